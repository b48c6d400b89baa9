//! `plumb schema`

use crate::args::{SchemaArgs, SchemaCommand};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;

/// Lists the schemas, or prints one.
pub fn run(args: &SchemaArgs, output: &Output) -> Outcome {
    match &args.command {
        SchemaCommand::List => {
            for named in model::schema::all() {
                output.line(&named.name)?;
            }
        }
        SchemaCommand::Show { name } => {
            let all = model::schema::all();
            let Some(named) = all.iter().find(|named| named.name == *name) else {
                let names: Vec<_> = all.iter().map(|named| named.name.as_str()).collect();
                return Err(Failure::usage(format!(
                    "there is no schema `{name}`; known: {}",
                    names.join(", ")
                )));
            };
            output.line(&pretty(&named.schema))?;
        }
    }
    Ok(Exit::Passed)
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}
