//! From custom resources to the documents that the engine knows.

use model::document::{
    API_VERSION, AuditException, AuditTarget, Fault, Metadata, Place, Resource, validate,
};

/// The target, or everything that is wrong with it.
///
/// # Errors
/// Every fault, in one sentence each.
pub fn target(object: &crds::AuditTarget) -> Result<AuditTarget, String> {
    let target = AuditTarget {
        api_version: API_VERSION.to_owned(),
        metadata: metadata(object),
        spec: object.spec.0.clone(),
    };
    let faults = validate(&Resource::AuditTarget(target.clone()), Place::Inside);
    if faults.is_empty() { Ok(target) } else { Err(sentence(&faults)) }
}

/// What is wrong with a schedule; nothing if it is sound.
pub fn schedule_faults(object: &crds::AuditSchedule) -> Option<String> {
    let schedule = model::document::AuditSchedule {
        api_version: API_VERSION.to_owned(),
        metadata: metadata(object),
        spec: object.spec.0.clone(),
    };
    let faults = validate(&Resource::AuditSchedule(schedule), Place::Inside);
    (!faults.is_empty()).then(|| sentence(&faults))
}

/// The exception.
pub fn exception(object: &crds::AuditException) -> AuditException {
    AuditException {
        api_version: API_VERSION.to_owned(),
        metadata: metadata(object),
        spec: object.spec.0.clone(),
    }
}

fn metadata(object: &impl kube::ResourceExt) -> Metadata {
    Metadata {
        name: object.name_any(),
        namespace: object.namespace(),
        labels: object.labels().clone(),
        annotations: Default::default(),
    }
}

fn sentence(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}
