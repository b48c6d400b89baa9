//! What is kept in memory of a target: who it is, and whether anything is to be done about it.
//!
//! That is decided once, when the API server tells of the target, with all of it at hand. A fleet
//! of targets that rest takes no more than their names.

use std::borrow::Cow;

use crds::AuditTarget;
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::runtime::controller::Action;
use kube::runtime::watcher::Event;
use serde::Deserialize;

use super::{Desk, Outlook};
use crate::context::{Context, until};

/// A target as it is kept in memory.
#[derive(Debug, Clone, Deserialize)]
pub struct Known {
    metadata: ObjectMeta,
    // A controller wants what it could read; what nobody has decided on is looked at.
    #[serde(skip)]
    rest: Rest,
}

/// How long nothing is to be done about a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Rest {
    /// Something is to be done now.
    #[default]
    None,
    /// Until then, unless it changes.
    Until(Timestamp),
    /// Until it changes.
    Long,
}

impl Known {
    /// What is to be kept of a target.
    pub fn of(target: &AuditTarget, context: &Context) -> Self {
        let kept = &target.metadata;
        let metadata = ObjectMeta {
            name: kept.name.clone(),
            namespace: kept.namespace.clone(),
            ..ObjectMeta::default()
        };
        let rest = match kept.deletion_timestamp {
            Some(_) => Rest::Long,
            None => rest(target, context),
        };
        Self { metadata, rest }
    }

    /// The same of what a watch tells.
    pub fn of_event(event: Event<AuditTarget>, context: &Context) -> Event<Self> {
        match event {
            Event::Apply(target) => Event::Apply(Self::of(&target, context)),
            Event::InitApply(target) => Event::InitApply(Self::of(&target, context)),
            // Nothing is to be done about it, whatever it was.
            Event::Delete(mut target) => {
                target.metadata.deletion_timestamp = target.metadata.creation_timestamp.clone();
                Event::Delete(Self::of(&target, context))
            }
            Event::Init => Event::Init,
            Event::InitDone => Event::InitDone,
        }
    }

    /// What to wait for; nothing if something is to be done.
    pub(super) fn rest(&self, now: Timestamp) -> Option<Action> {
        match self.rest {
            Rest::Long => Some(Action::await_change()),
            Rest::Until(then) if then > now => Some(Action::requeue(until(then, now))),
            Rest::Until(_) | Rest::None => None,
        }
    }
}

fn rest(target: &AuditTarget, context: &Context) -> Rest {
    let Outlook { status, runs, next } = Desk { target, context, now: Timestamp::now() }.outlook();
    if !runs.is_empty() || target.status.as_ref() != Some(&status) {
        return Rest::None;
    }
    next.map_or(Rest::Long, Rest::Until)
}

impl Resource for Known {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind(_: &()) -> Cow<'_, str> {
        AuditTarget::kind(&())
    }

    fn group(_: &()) -> Cow<'_, str> {
        AuditTarget::group(&())
    }

    fn version(_: &()) -> Cow<'_, str> {
        AuditTarget::version(&())
    }

    fn plural(_: &()) -> Cow<'_, str> {
        AuditTarget::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
