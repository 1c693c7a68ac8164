//! `terraform` and `provider`: the settings of a module, and the providers that it names.

use std::collections::BTreeSet;

use super::{constant, keyword};
use crate::{
    engine::terraform::{
        configuration::literal,
        leaf::{FileId, Place},
        module::{Argument, Definition, Mode, Module},
        problem::Problem,
    },
    source::hcl::{
        identifier::is_name,
        tree::{Expression, ExpressionKind, Key},
    },
};

/// Stands for all aliases that a module asks its callers for.
pub(super) const ANY: &str = "";

/// The name of the provider that is built in, and where it comes from.
const BUILT_IN: (&str, &str) = ("terraform", "terraform.io/builtin/terraform");

/// Looks at the settings of a module.
pub(super) fn check(module: &Module<'_>) -> Result<(), Problem> {
    for settings in &module.settings {
        if let Some(experiments) = settings.argument("experiments") {
            let message = "Module uses experimental features: They are available in alpha releases alone.";
            return Err(Problem::broken(message).at(experiments.place()));
        }
        settings.only_arguments(&["required_version", "language"])?;
        // What only OpenTofu knows is passed over.
        settings.only_blocks(&["backend", "cloud", "required_providers", "provider_meta", "encryption"])?;
        if let Some(language) = settings.argument("language").filter(|word| keyword(word.value()) != Some("TF2021")) {
            return Err(Problem::broken("Unsupported language edition: only TF2021 is there.").at(language.place()));
        }
    }
    for kinds in [&["backend", "cloud"][..], &["required_providers"]] {
        let all = module.settings.iter().flat_map(|settings| &settings.blocks);
        if let Some(second) = all.filter(|nested| kinds.contains(&nested.kind())).nth(1) {
            let message = format!("Duplicate {} configuration: A module may have only one.", second.kind());
            return Err(Problem::broken(message).at(Definition::of(second.file, second.block).place()));
        }
    }
    let asked = module.settings.iter().flat_map(|settings| settings.blocks_of("required_providers"));
    for asked in asked {
        let asked = Definition::of(asked.file, asked.block);
        asked.only_blocks(&[])?;
        asked.arguments.iter().try_for_each(|argument| check_required(*argument))?;
    }
    Ok(())
}

/// A provider that is asked for: its version, or an object.
fn check_required(argument: Argument<'_>) -> Result<(), Problem> {
    let broken = |file: FileId, at: &Expression, message: String| {
        Err(Problem::broken(message).at(Place { file, span: at.span }))
    };
    let ExpressionKind::Object(object) = &argument.value().kind else {
        if argument.name() == BUILT_IN.0 {
            let message = "Invalid dependency on built-in provider: It has no versions of its own.".to_owned();
            return broken(argument.file, argument.value(), message);
        }
        return Ok(());
    };
    let (mut source, mut has_version) = (None, false);
    for item in &object.items {
        let name = match &item.key {
            Key::Name(name) => &*name.text,
            Key::Expression(key) => literal(key).unwrap_or_default(),
        };
        match name {
            "source" => {
                let Some(text) = literal(&item.value) else {
                    return broken(argument.file, &item.value, "Invalid source: Source must be a string.".to_owned());
                };
                if text.split('/').count() > 3 || text.split('/').any(str::is_empty) {
                    let message =
                        format!("Invalid provider source string: {text:?} is not [hostname/][namespace/]name.");
                    return broken(argument.file, &item.value, message);
                }
                source = Some(text);
            }
            "version" => has_version = true,
            "configuration_aliases" => {}
            _ => {
                let message = "Invalid required_providers object: It has \"version\", \"source\" and \
                               \"configuration_aliases\" alone.";
                return broken(argument.file, &item.value, message.to_owned());
            }
        }
    }
    let is_built_in = source.map_or(argument.name() == BUILT_IN.0, |source| source == BUILT_IN.1);
    if has_version && is_built_in {
        let message = "Invalid dependency on built-in provider: It has no versions of its own.".to_owned();
        return broken(argument.file, argument.value(), message);
    }
    Ok(())
}

/// The configurations of providers by their names and aliases.
///
/// # Errors
/// One that is there twice, and an alias that is no name.
pub(super) fn aliases<'m>(module: &'m Module<'_>) -> Result<BTreeSet<(&'m str, &'m str)>, Problem> {
    let mut all = BTreeSet::new();
    for provider in module.others.iter().filter(|other| &*other.block.kind.text == "provider") {
        let alias = provider.argument("alias");
        constant(alias)?;
        let name = alias.and_then(|alias| literal(alias.value()));
        if let (Some(alias), Some(name)) = (alias, name)
            && !is_name(name)
        {
            return Err(Problem::broken("Invalid provider configuration alias: It must be a name.").at(alias.place()));
        }
        if provider.label(0) == BUILT_IN.0
            && let Some(unexpected) = provider.arguments.iter().find(|argument| argument.name() != "alias")
            && names_built_in(module)
        {
            return Err(unexpected.unexpected());
        }
        if let Some(name) = name {
            all.insert((provider.label(0), name));
        }
    }
    for asked in module.settings.iter().flat_map(|settings| settings.blocks_of("required_providers")) {
        for attribute in asked.block.body.attributes() {
            let ExpressionKind::Object(object) = &attribute.value.kind else { continue };
            let is_list = |key: &Key| match key {
                Key::Name(name) => &*name.text == "configuration_aliases",
                Key::Expression(key) => literal(key) == Some("configuration_aliases"),
            };
            if object.items.iter().any(|item| is_list(&item.key)) {
                all.insert((&attribute.name.text, ANY));
            }
        }
    }
    Ok(all)
}

/// Tells whether a module means the built-in provider by its name.
fn names_built_in(module: &Module<'_>) -> bool {
    let mut asked = module.settings.iter().flat_map(|settings| settings.blocks_of("required_providers"));
    asked.all(|asked| asked.block.body.attribute(BUILT_IN.0).is_none())
}

/// What the built-in provider has is known.
pub(super) fn check_type(module: &Module<'_>, mode: Mode, resource: &Definition<'_>) -> Result<(), Problem> {
    let ty = resource.label(0);
    let known = match mode {
        Mode::Managed => "terraform_data",
        Mode::Data => "terraform_remote_state",
        Mode::Ephemeral => "",
    };
    if ty.split('_').next() != Some(BUILT_IN.0) || ty == known || !names_built_in(module) {
        return Ok(());
    }
    let message = format!("Invalid resource type: The provider {} does not have {ty:?} for this.", BUILT_IN.1);
    Err(Problem::broken(message).at(resource.place()))
}
