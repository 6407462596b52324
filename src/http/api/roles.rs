//! Names in the API's description, at each operation, which roles may use it: from the table that the door asks.

use crate::access::{self, Cell, Role};
use serde_json::{Map, Value};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Content, OpenApi, Ref, ResponseBuilder};

/// The description with `x-roles`, and with the answers of the door.
pub(super) fn named(mut description: OpenApi) -> OpenApi {
    for (path, item) in &mut description.paths.paths {
        let operations = [
            ("GET", &mut item.get),
            ("POST", &mut item.post),
            ("PATCH", &mut item.patch),
            ("DELETE", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                name(operation, method, path);
            }
        }
    }
    description
}

fn name(operation: &mut Operation, method: &str, path: &str) {
    let Some(route) = access::route(method, path) else { return };
    let mut roles = Map::new();
    for role in Role::ALL {
        let cells = route.acts.iter().map(|act| act.row().cell(role)).filter(|cell| *cell != Cell::No);
        let signs: Vec<_> = cells.map(Cell::sign).collect();
        if !signs.is_empty() {
            roles.insert(role.as_str().to_owned(), Value::from(signs.join("; ")));
        }
    }
    let extensions = operation.extensions.get_or_insert_default();
    extensions.merge(Extensions::from_iter([("x-roles", Value::Object(roles))]));
    for (status, what) in [("401", "No token, or one that opens nothing"), ("403", "The token's role may not")] {
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        let answer = ResponseBuilder::new().description(what).content("application/problem+json", problem);
        operation.responses.responses.insert(status.to_owned(), answer.build().into());
    }
}
