//! JSON Schema, as far as `agent/docs/openapi.json` uses it. A keyword that is not known here is an error, so that nothing
//! is described that no test looks at.

use serde_json::Value;

/// Keywords that say nothing of what a value may be.
const WORDS_FOR_PEOPLE: [&str; 4] = ["description", "default", "example", "contentMediaType"];

/// What is wrong with a value, each with its place; `document` is where a `$ref` leads.
pub fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    hold(document, schema, value, "$", &mut found);
    found
}

fn hold(document: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let Some(keywords) = schema.as_object() else { return found.push(format!("{place}: {schema} is no schema")) };
    for (keyword, asked) in keywords {
        let is_met = match keyword.as_str() {
            "$ref" => {
                let pointer = asked.as_str().unwrap_or_default().trim_start_matches('#');
                match document.pointer(pointer) {
                    Some(referred) => hold(document, referred, value, place, found),
                    None => found.push(format!("{place}: {pointer} leads nowhere")),
                }
                true
            }
            "type" => is_of(asked, value),
            "enum" => asked.as_array().is_some_and(|words| words.contains(value)),
            "const" => asked == value,
            "anyOf" => {
                let fits = |schema: &Value| faults(document, schema, value).is_empty();
                asked.as_array().is_some_and(|schemas| schemas.iter().any(fits))
            }
            "minimum" => value.as_f64().is_none_or(|number| asked.as_f64().is_some_and(|least| number >= least)),
            "maximum" => value.as_f64().is_none_or(|number| asked.as_f64().is_some_and(|most| number <= most)),
            "minLength" => length(value).is_none_or(|length| asked.as_u64().is_some_and(|least| length >= least)),
            "maxLength" => length(value).is_none_or(|length| asked.as_u64().is_some_and(|most| length <= most)),
            "format" => asked == "date-time" && value.as_str().is_none_or(is_time),
            "required" => {
                let has = |name: &Value| name.as_str().is_some_and(|name| value.get(name).is_some());
                !value.is_object() || asked.as_array().is_some_and(|names| names.iter().all(has))
            }
            "properties" => {
                for (name, schema) in asked.as_object().into_iter().flatten() {
                    if let Some(member) = value.get(name) {
                        hold(document, schema, member, &format!("{place}.{name}"), found);
                    }
                }
                true
            }
            "additionalProperties" => {
                let named = schema.get("properties").and_then(Value::as_object);
                for (name, member) in value.as_object().into_iter().flatten() {
                    match asked {
                        _ if named.is_some_and(|named| named.contains_key(name)) => {}
                        Value::Bool(false) => found.push(format!("{place}.{name} is not described")),
                        schema => hold(document, schema, member, &format!("{place}.{name}"), found),
                    }
                }
                true
            }
            "items" => {
                for (index, member) in value.as_array().into_iter().flatten().enumerate() {
                    hold(document, asked, member, &format!("{place}[{index}]"), found);
                }
                true
            }
            word => WORDS_FOR_PEOPLE.contains(&word),
        };
        if !is_met {
            found.push(format!("{place}: {value} is not as `{keyword}: {asked}` says"));
        }
    }
}

fn is_of(asked: &Value, value: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => false,
    };
    asked.as_array().map_or_else(|| is(asked), |kinds| kinds.iter().any(is))
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

/// RFC 3339, in UTC with microseconds, as every time of segwatch is.
fn is_time(text: &str) -> bool {
    let form = "0000-00-00T00:00:00.000000Z";
    let alike = |(c, f): (char, char)| if f == '0' { c.is_ascii_digit() } else { c == f };
    text.len() == form.len() && text.chars().zip(form.chars()).all(alike)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_tells_what_is_wrong_and_nothing_else() {
        let document = json!({ "a": { "type": ["string", "null"], "maxLength": 2 } });
        let schema = json!({
            "type": "object", "required": ["n", "t"], "additionalProperties": false,
            "properties": {
                "n": { "type": "integer", "minimum": 1 }, "t": { "type": "string", "format": "date-time" },
                "a": { "$ref": "#/a" }, "l": { "type": "array", "items": { "enum": ["x"] } },
                "o": { "anyOf": [{ "const": 1 }, { "type": "null" }] },
            }
        });
        let good = json!({ "n": 1, "t": "2026-01-31T00:00:00.000000Z", "a": null, "l": ["x"], "o": null });
        assert_eq!(faults(&document, &schema, &good), Vec::<String>::new());
        for (name, bad) in [
            ("n", json!(0)),
            ("n", json!(1.5)),
            ("t", json!("2026-01-31")),
            ("a", json!("abc")),
            ("l", json!(["y"])),
            ("o", json!(2)),
            ("z", json!(1)),
        ] {
            let mut value = good.clone();
            value[name] = bad;
            assert_eq!(faults(&document, &schema, &value).len(), 1, "{value}");
        }
        assert_eq!(faults(&document, &schema, &json!({ "n": 1 })).len(), 1);
        assert_eq!(faults(&document, &json!({ "pattern": "x" }), &json!("x")).len(), 1, "an unknown keyword");
    }
}
