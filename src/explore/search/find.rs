//! What a search found: a property that was broken in one way, and a plan that shows it.

use crate::explore::trial::Sought;
use crate::history::{ClientId, Nanos};
use crate::outcome::exploration::{Defect, Scene, Shrinkage};
use crate::plan::script::Script;
use crate::property;
use crate::spec::Spec;
use crate::verdict::Violation;
use std::sync::Arc;
use std::time::Duration;

/// A property that was broken in one way, and the smallest plan that did it.
#[derive(Clone, Debug)]
pub struct Find {
    /// Its id, or [`SURVIVAL`].
    pub property: String,
    /// The spec promises it.
    pub promised: bool,
    /// What is wrong, in one sentence without times or names.
    pub seen: String,
    /// The plan.
    pub script: Arc<Script>,
    /// Which of the search's plans it is; none of a plan of the corpus.
    pub plan: Option<u64>,
    /// Other plans that broke the same in the same way.
    pub(super) others: Vec<(u64, Arc<Script>)>,
    /// In how many plays of how many it was seen again.
    pub failed: Option<(u32, u32)>,
    /// It proves itself, or has happened again.
    pub proven: bool,
    /// How the plan was made smaller, if it was.
    pub shrunk: Option<Shrinkage>,
    /// In how many plans it was seen.
    pub plans: u64,
    /// When it was seen first.
    pub after: Duration,
    /// Where it was saved.
    pub file: String,
    /// The argument.
    pub violation: Option<Violation>,
    /// The play of the argument.
    pub scene: Scene,
    /// What the clients of the argument are called.
    pub names: Vec<(ClientId, String)>,
}

impl Find {
    /// What plays of it are looked at for.
    pub(super) fn sought(&self) -> Sought<'_> {
        Sought { property: &self.property, kind: Some(&self.seen) }
    }

    /// The people of the argument, by their positions in the cast.
    pub(super) fn concerned(&self) -> Vec<usize> {
        let clients = self.violation.iter().flat_map(|violation| &violation.exhibits);
        let name = |client: ClientId| {
            let (_, name) = self.names.iter().find(|(known, _)| *known == client)?;
            name.split('.').next()
        };
        let named: Vec<&str> = clients.filter_map(|exhibit| name(exhibit.client)).collect();
        let cast = self.script.people.iter().enumerate();
        cast.filter(|(_, role)| named.contains(&role.name.as_str())).map(|(at, _)| at).collect()
    }

    /// As reports have it.
    pub(super) fn defect(&self, spec: &Spec) -> Defect {
        let find = self;
        let promise = spec.promise(&find.property);
        let page = property::find(&find.property).map(property::Property::page);
        let told = |own: Option<&str>, general: Option<&str>| {
            own.or(general).unwrap_or_default().to_owned()
        };
        Defect {
            property: find.property.clone(),
            promised: find.promised,
            promise: told(promise.map(|p| p.says.as_str()), page.map(|p| p.title)),
            source: told(promise.map(|p| p.source.as_str()), page.map(|p| p.source)),
            seen: find.seen.clone(),
            script: find.script.to_string(),
            failed: find.failed,
            shrunk: find.shrunk,
            plans: find.plans,
            after: find.after.as_nanos() as Nanos,
            file: find.file.clone(),
            known: find.plan.is_none(),
            violation: find.violation.clone(),
            scene: find.scene.clone(),
            names: find.names.clone(),
        }
    }
}
