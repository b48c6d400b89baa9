mod certificates;
mod edges;
mod gateway;
mod peers;
mod secrets;
mod surface;
mod tokens;

use model::evidence::{Evidence, IngestAuth};

use crate::asked;

/// Evidence as the probe's own types.
type Seen = asked::Seen<IngestAuth>;

/// What a test asks.
type Asked = asked::Asked<IngestAuth>;

fn typed(evidence: Evidence) -> Seen {
    asked::typed::<IngestAuth>(evidence)
}
