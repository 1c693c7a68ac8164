//! Terraform's words for a type that does not fit.

use super::is_possible;
use crate::engine::terraform::{
    types::{Object, Type},
    unify::Safety,
};

/// Why values of a type cannot become those of another one.
pub fn mismatch(got: &Type, want: &Type) -> String {
    match (got, want) {
        (Type::Object(got), Type::Object(want)) => of_objects(got, want),
        (Type::Tuple(_), Type::List(element)) if **element == Type::Dynamic => {
            "all list elements must have the same type".to_owned()
        }
        (Type::Tuple(_), Type::Set(element)) if **element == Type::Dynamic => {
            "all set elements must have the same type".to_owned()
        }
        (Type::Object(_), Type::Map(element)) if **element == Type::Dynamic => {
            "all map elements must have the same type".to_owned()
        }
        (Type::Tuple(elements), Type::List(want) | Type::Set(want)) => {
            let misfit = elements.iter().enumerate().find(|(_, got)| !is_possible(got, want, Safety::Unsafe));
            match misfit {
                Some((index, got)) => format!("element {index}: {}", mismatch(got, want)),
                None => format!("all elements must be {}", want.friendly_constraint()),
            }
        }
        (Type::Object(object), Type::Map(want)) => {
            let misfit = object.attributes().iter().find(|got| !is_possible(&got.ty, want, Safety::Unsafe));
            match misfit {
                Some(got) => format!("element {:?}: {}", got.name, mismatch(&got.ty, want)),
                None => format!("all elements must be {}", want.friendly_constraint()),
            }
        }
        (Type::List(got) | Type::Set(got), Type::List(want)) => {
            format!("incorrect list element type: {}", mismatch(got, want))
        }
        (Type::List(got) | Type::Set(got), Type::Set(want)) => {
            format!("incorrect set element type: {}", mismatch(got, want))
        }
        (Type::Map(got), Type::Map(want)) => format!("incorrect map element type: {}", mismatch(got, want)),
        _ => format!("{} required", want.friendly_constraint()),
    }
}

fn of_objects(got: &Object, want: &Object) -> String {
    let missing: Vec<String> = want
        .attributes()
        .iter()
        .filter(|wanted| !wanted.is_optional && got.get(&wanted.name).is_none())
        .map(|wanted| format!("{:?}", wanted.name))
        .collect();
    match &missing[..] {
        [] => {}
        [one] => return format!("attribute {one} is required"),
        [one, other] => return format!("attributes {one} and {other} are required"),
        [others @ .., last] => return format!("attributes {}, and {last} are required", others.join(", ")),
    }
    for safety in [Safety::Unsafe, Safety::Safe] {
        for wanted in want.attributes() {
            if let Some(given) = got.get(&wanted.name)
                && !is_possible(&given.ty, &wanted.ty, safety)
            {
                return format!("attribute {:?}: {}", wanted.name, mismatch(&given.ty, &wanted.ty));
            }
        }
    }
    "incorrect object attributes".to_owned()
}
