//! Values that cannot work are refused, by a sentence that names them.

use crate::helm::refusal;

#[test]
fn a_value_of_the_wrong_form_is_refused_by_its_name() {
    for (value, place) in [
        ("image.digest=1111", "/image/digest"),
        ("image.repository=ghcr.io/plumbline/plumb:1", "/image/repository"),
        ("replicas=0", "/replicas"),
        ("watchNamespaces={Plant_7}", "/watchNamespaces/0"),
        ("resources.limits.memory=lots", "/resources/limits/memory"),
        ("postgres.persistence.size=big", "/postgres/persistence/size"),
        ("log.format=xml", "/log/format"),
        ("metrics.serviceMonitor.interval=often", "/metrics/serviceMonitor/interval"),
        ("networkPolicy.database.port=70000", "/networkPolicy/database/port"),
        ("podDisruptionBudget.maxUnavailable=0", "/podDisruptionBudget/maxUnavailable"),
        ("database.existingSecret=Not A Name", "/database/existingSecret"),
        ("database.ingestRole=Ingest", "/database/ingestRole"),
        ("retention.runs=0", "/retention/runs"),
        ("maxEvidenceAgeSeconds=1", "/maxEvidenceAgeSeconds"),
        ("issues.schedule=hourly", "/issues/schedule"),
        ("issues.schedule=TZ=Europe/Berlin 7 * * * *", "/issues/schedule"),
        ("issues.timeZone=Europe/../Berlin", "/issues/timeZone"),
        ("issues.repository=https://github.com/example/plants", "/issues/repository"),
        // A token would go there in the clear.
        ("issues.apiUrl=http://github.example.com/api/v3", "/issues/apiUrl"),
        ("issues.apiUrl=https://token@github.example.com", "/issues/apiUrl"),
        ("issues.app.id=-1", "/issues/app/id"),
        ("issues.author=two words", "/issues/author"),
        (r"issues.label=a\,b", "/issues/label"),
        ("issues.label=", "/issues/label"),
        ("issues.maxNew=-1", "/issues/maxNew"),
        ("issues.resolveAfter=0", "/issues/resolveAfter"),
        ("issues.resolveAfter=never", "/issues/resolveAfter"),
        ("issues.reportUrl=javascript:alert(1)", "/issues/reportUrl"),
        ("issues.unobservedAfterHours=-1", "/issues/unobservedAfterHours"),
        ("issues.targets={plant-7/gateway/broker}", "/issues/targets/0"),
        ("issues.activeDeadlineSeconds=10", "/issues/activeDeadlineSeconds"),
        ("networkPolicy.github.port=0", "/networkPolicy/github/port"),
    ] {
        let said = refusal("default", &[value]);
        assert!(said.contains(&format!("at '{place}'")), "{value}: {said}");
    }
}

#[test]
fn a_value_that_the_chart_does_not_know_is_refused() {
    for (value, name) in [
        ("replicaCount=2", "replicaCount"),
        ("image.registry=ghcr.io", "registry"),
        ("networkPolicy.metricsFrom[0].pods=all", "pods"),
        ("tolerations[0].keys=x", "keys"),
        ("resources.limits.gpu=1", "gpu"),
        ("ingest.tls.secretName=x", "secretName"),
        // Neither stands in the values: they are in Secrets.
        ("issues.token.value=x", "value"),
        ("issues.app.privateKey=x", "privateKey"),
        ("issues.concurrencyPolicy=Allow", "concurrencyPolicy"),
    ] {
        let said = refusal("default", &[value]);
        assert!(said.contains(&format!("additional properties '{name}' not allowed")), "{said}");
    }
}

#[test]
fn a_label_of_the_charts_own_cannot_be_taken() {
    for value in [
        r"commonLabels.app\.kubernetes\.io/name=mine",
        r"podLabels.app\.kubernetes\.io/component=mine",
    ] {
        assert!(refusal("default", &[value]).contains("invalid propertyName"), "{value}");
    }
}

#[test]
fn values_that_need_or_exclude_each_other_are_refused_with_a_sentence() {
    for (case, values, sentence) in [
        (
            "default",
            &["database.existingSecret="][..],
            "database.existingSecret must name a Secret with the address of a Postgres; to try the \
             chart without one, set postgres.enabled=true",
        ),
        (
            "default",
            &["postgres.enabled=true"],
            "database.existingSecret and postgres.enabled exclude each other",
        ),
        (
            "default",
            &["database.ca.configMap=a", "database.ca.secret=b"],
            "database.ca.configMap and database.ca.secret exclude each other",
        ),
        (
            "in-chart-postgres",
            &["database.ca.secret=b"],
            "database.ca needs a database that speaks TLS",
        ),
        ("default", &["jobs.max=2"], "jobs.maxPerNamespace (5) must not be more than jobs.max (2)"),
        (
            "default",
            &["networkPolicy.probes.enabled=true"],
            "networkPolicy.probes.enabled needs networkPolicy.probes.namespaces (or watchNamespaces)",
        ),
        (
            "namespaced",
            &["networkPolicy.probes.namespaces={plant-9}"],
            "networkPolicy.probes.namespaces is for an operator that watches all namespaces",
        ),
        (
            "default",
            &["serviceAccount.create=false"],
            "serviceAccount.name must name the account to use, because serviceAccount.create is false",
        ),
    ] {
        let said = refusal(case, values);
        assert!(said.contains(sentence), "{values:?}: {said}");
    }
}

#[test]
fn issues_need_a_repository_and_one_way_to_sign_in() {
    const REPOSITORY: &str = "issues.repository=example/plants";
    const TOKEN: &str = "issues.token.existingSecret=a";
    const SECRET: &str = "issues.app.existingSecret=b";
    const ID: &str = "issues.app.id=12345678";
    const AUTHOR: &str = "issues.author=plumbline-bot";
    const BOTH: &str = "issues.token and issues.app exclude each other";
    const TOGETHER: &str = "issues.app.id and issues.app.existingSecret go together";
    for (values, sentence) in [
        (&[TOKEN, AUTHOR][..], "issues.repository must name the repository whose issues are kept"),
        (
            &[REPOSITORY],
            "issues.enabled needs a token (issues.token.existingSecret) or a GitHub App",
        ),
        (&[REPOSITORY, AUTHOR, TOKEN, SECRET, ID], BOTH),
        (&[REPOSITORY, AUTHOR, TOKEN, SECRET], BOTH),
        (&[REPOSITORY, AUTHOR, TOKEN, ID], BOTH),
        (&[REPOSITORY, SECRET], TOGETHER),
        (&[REPOSITORY, ID], TOGETHER),
        (&[REPOSITORY, TOKEN], "issues.author must name the login that the token belongs to"),
        (
            &[REPOSITORY, SECRET, ID, "issues.ca.configMap=c", "issues.ca.secret=d"],
            "issues.ca.configMap and issues.ca.secret exclude each other",
        ),
    ] {
        let values = [&["issues.enabled=true"], values].concat();
        let said = refusal("default", &values);
        assert!(said.contains(sentence), "{values:?}: {said}");
    }
    for values in [&[REPOSITORY, TOKEN, AUTHOR][..], &[REPOSITORY, SECRET, ID]] {
        let values = [&["issues.enabled=true"], values].concat();
        crate::helm::render_chart(&crate::helm::chart(), "default", &values);
    }
}

#[test]
fn a_kubernetes_without_admission_policies_is_refused() {
    let chart = crate::helm::chart();
    let output = crate::helm::helm([
        "template".as_ref(),
        chart.as_os_str(),
        "--generate-name".as_ref(),
        "--set".as_ref(),
        "postgres.enabled=true".as_ref(),
        "--kube-version".as_ref(),
        "1.29.9".as_ref(),
    ]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("requires kubeVersion: >=1.30.0-0"), "{said}");
}
