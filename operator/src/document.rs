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
    if !faults.is_empty() {
        return Err(sentence(&faults));
    }
    // What a pod is given is what the record keeps, and a record keeps no secret.
    if target.clone().for_record() != target {
        let message = "a url has a query, which may be a secret; inside the cluster put the content \
                       into a Secret or a ConfigMap and name that";
        return Err(message.to_owned());
    }
    Ok(target)
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
