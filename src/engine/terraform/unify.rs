//! One type for many values (go-cty's `convert.Unify`): of the elements of a list, of the branches of a conditional.

use std::rc::Rc;

use super::{
    convert,
    types::{Attribute, Type},
};

/// Which conversions may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// Those that never fail: a number to a string.
    Safe,
    /// Those that depend on the value, too: a string to a number.
    Unsafe,
}

/// The most general of some types that all of them can be converted to; nothing where there is none, or no type at all.
/// Whoever asks converts the values to it with [`convert::convert`]; where a type is open, the answer is open and the values
/// are unknown.
pub fn unify(types: &[Type], safety: Safety) -> Option<Type> {
    let first = types.first()?;
    if types.iter().all(|ty| ty == first) && !first.has_dynamic() {
        return Some(first.clone());
    }
    if types.iter().all(Type::is_primitive) && types.contains(&Type::String) {
        // Any of them can be spelled out, which never fails.
        return Some(Type::String);
    }
    let count = |is: fn(&Type) -> bool| types.iter().filter(|ty| is(ty)).count();
    let maps = count(|ty| matches!(ty, Type::Map(_)));
    let lists = count(|ty| matches!(ty, Type::List(_)));
    let sets = count(|ty| matches!(ty, Type::Set(_)));
    let objects = count(|ty| matches!(ty, Type::Object(_)));
    let tuples = count(|ty| matches!(ty, Type::Tuple(_)));
    let open = count(|ty| *ty == Type::Dynamic);
    let all = types.len();
    if maps > 0 && maps + open == all {
        return unify_collections(types, Type::map, open, safety);
    } else if maps > 0 && maps + objects + open == all {
        let unified = unify_as(types, |ty| matches!(ty, Type::Object(_)), objects_as_map, safety);
        if let Some(Type::Map(_)) = unified {
            return unified;
        }
    } else if lists > 0 && lists + open == all {
        return unify_collections(types, Type::list, open, safety);
    } else if lists > 0 && lists + tuples + open == all {
        let unified = unify_as(types, |ty| matches!(ty, Type::Tuple(_)), tuples_as_list, safety);
        if let Some(Type::List(_)) = unified {
            return unified;
        }
    } else if sets > 0 && sets + open == all {
        return unify_collections(types, Type::set, open, safety);
    } else if objects > 0 && objects + open == all {
        return unify_objects(types, open, safety);
    } else if tuples > 0 && tuples + open == all {
        return unify_tuples(types, open, safety);
    } else if objects > 0 && tuples > 0 {
        return None;
    }
    let wanted = by_preference(types).into_iter().map(|index| &types[index]);
    wanted
        .into_iter()
        .find(|wanted| types.iter().all(|ty| ty == *wanted || convert::is_possible(ty, wanted, safety)))
        .cloned()
}

/// Tries the tuples or objects as one list or map, and then that with all others.
fn unify_as(
    types: &[Type],
    is: fn(&Type) -> bool,
    together: fn(&[Type], Safety) -> Option<Type>,
    safety: Safety,
) -> Option<Type> {
    let some: Vec<Type> = types.iter().filter(|ty| is(ty)).cloned().collect();
    let one = together(&some, safety)?;
    let replaced: Vec<Type> = types.iter().map(|ty| if is(ty) { one.clone() } else { ty.clone() }).collect();
    unify(&replaced, safety)
}

fn unify_collections(types: &[Type], kind: fn(Type) -> Type, open: usize, safety: Safety) -> Option<Type> {
    if open > 0 {
        return Some(Type::Dynamic);
    }
    let elements: Vec<Type> = types.iter().filter_map(Type::element).cloned().collect();
    all_convert(types, kind(unify(&elements, safety)?), safety)
}

fn unify_objects(types: &[Type], open: usize, safety: Safety) -> Option<Type> {
    if open > 0 {
        return Some(Type::Dynamic);
    }
    let attributes: Vec<&[Attribute]> = types.iter().map(attributes_of).collect();
    let (first, others) = attributes.split_first()?;
    let names = |attributes: &[Attribute]| attributes.iter().map(|one| one.name.clone()).collect::<Vec<Rc<str>>>();
    if others.iter().any(|other| names(other) != names(first)) {
        return objects_as_map(types, safety);
    }
    let mut unified = Vec::with_capacity(first.len());
    for (index, attribute) in first.iter().enumerate() {
        let across: Vec<Type> = attributes.iter().map(|attributes| attributes[index].ty.clone()).collect();
        unified.push((attribute.name.clone(), unify(&across, safety)?));
    }
    all_convert(types, Type::object(unified), safety).or_else(|| objects_as_map(types, safety))
}

fn objects_as_map(types: &[Type], safety: Safety) -> Option<Type> {
    let attributes: Vec<Type> = types.iter().flat_map(attributes_of).map(|attribute| attribute.ty.clone()).collect();
    all_convert(types, Type::map(unify(&attributes, safety)?), safety)
}

fn unify_tuples(types: &[Type], open: usize, safety: Safety) -> Option<Type> {
    if open > 0 {
        return Some(Type::Dynamic);
    }
    let tuples: Vec<&[Type]> = types.iter().map(elements_of).collect();
    let (first, others) = tuples.split_first()?;
    if others.iter().any(|other| other.len() != first.len()) {
        return tuples_as_list(types, safety);
    }
    let mut unified = Vec::with_capacity(first.len());
    for index in 0..first.len() {
        let across: Vec<Type> = tuples.iter().map(|elements| elements[index].clone()).collect();
        unified.push(unify(&across, safety)?);
    }
    all_convert(types, Type::tuple(unified), safety).or_else(|| tuples_as_list(types, safety))
}

fn tuples_as_list(types: &[Type], safety: Safety) -> Option<Type> {
    let elements: Vec<Type> = types.iter().flat_map(elements_of).cloned().collect();
    all_convert(types, Type::list(unify(&elements, safety)?), safety)
}

fn attributes_of(ty: &Type) -> &[Attribute] {
    match ty {
        Type::Object(object) => object.attributes(),
        _ => &[],
    }
}

fn elements_of(ty: &Type) -> &[Type] {
    match ty {
        Type::Tuple(elements) => elements,
        _ => &[],
    }
}

fn all_convert(types: &[Type], wanted: Type, safety: Safety) -> Option<Type> {
    types.iter().all(|ty| *ty == wanted || convert::is_possible(ty, &wanted, safety)).then_some(wanted)
}

/// The indices of types, those before others that are more general than they: a topological order.
fn by_preference(types: &[Type]) -> Vec<usize> {
    // Equal types have equal neighbours: the order of the first of each kind is the order of all.
    let mut kinds: Vec<usize> = Vec::new();
    for (index, ty) in types.iter().enumerate() {
        if !kinds.iter().any(|kind| types[*kind] == *ty) {
            kinds.push(index);
        }
    }
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); kinds.len()];
    let mut above = vec![0_usize; kinds.len()];
    for i in 0..kinds.len() {
        for j in i + 1..kinds.len() {
            let (more, less) = match generality(&types[kinds[i]], &types[kinds[j]]) {
                0 => continue,
                1.. => (j, i),
                _ => (i, j),
            };
            below[more].push(less);
            above[less] += 1;
        }
    }
    let mut order: Vec<usize> = (0..kinds.len()).filter(|index| above[*index] == 0).collect();
    let mut next = 0;
    while let Some(index) = order.get(next).copied() {
        next += 1;
        for less in &below[index] {
            above[*less] -= 1;
            if above[*less] == 0 {
                order.push(*less);
            }
        }
    }
    order.into_iter().map(|kind| kinds[kind]).collect()
}

/// Negative where the first type is more general than the second one, positive where it is less.
fn generality(a: &Type, b: &Type) -> i8 {
    match (a, b) {
        (Type::Dynamic, Type::Dynamic) => 0,
        (Type::Dynamic, _) => 1,
        (_, Type::Dynamic) => -1,
        (Type::String, Type::String) => 0,
        (Type::String, Type::Bool | Type::Number) => -1,
        (Type::Bool | Type::Number, Type::String) => 1,
        (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) | (Type::Map(a), Type::Map(b)) => {
            generality(a, b)
        }
        (Type::List(_) | Type::Tuple(_), Type::Set(_)) => -1,
        (Type::Set(_), Type::List(_) | Type::Tuple(_)) => 1,
        (Type::List(_), Type::Tuple(_)) | (Type::Map(_), Type::Object(_)) => -1,
        (Type::Tuple(_), Type::List(_)) | (Type::Object(_), Type::Map(_)) => 1,
        (Type::Object(a), Type::Object(b)) => {
            let (a, b) = (a.attributes(), b.attributes());
            let same = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name == b.name);
            if same { together(a.iter().zip(b).map(|(a, b)| generality(&a.ty, &b.ty))) } else { 0 }
        }
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            together(a.iter().zip(b.iter()).map(|(a, b)| generality(a, b)))
        }
        _ => 0,
    }
}

fn together(parts: impl Iterator<Item = i8>) -> i8 {
    let (mut less, mut more) = (false, false);
    for part in parts {
        less |= part < 0;
        more |= part > 0;
    }
    match (less, more) {
        (true, false) => -1,
        (false, true) => 1,
        _ => 0,
    }
}
