//! Phone numbers as callers write them: what becomes of them in each mode, and what is said of those that are refused.

use serde_json::json;
use test_support::{Answer, DatabaseKind};

use crate::world::World;

crate::on_both_databases!(a_number_is_one_in_whichever_notation);

fn in_mode(mode: &str) -> World {
    World::with(DatabaseKind::Sqlite, &[("CUSTOMERS_PHONE_VALIDATION", mode)])
}

fn create(world: &World, spelling: &str, country: &str) -> Answer {
    world.http.post("/v1/customers", &json!({"unconfirmed_phone_number": spelling, "country_code": country}))
}

#[track_caller]
fn is_read_as(world: &World, spelling: &str, country: &str, number: &str, own_country: &str) {
    let answer = create(world, spelling, country);
    assert_eq!(answer.status, 201, "{spelling:?}: {}", answer.json());
    let customer = answer.json();
    let read = (&customer["unconfirmed_phone_number"], &customer["country_code"]);
    assert_eq!(read, (&json!(number), &json!(own_country)), "{spelling:?}");
}

#[track_caller]
fn is_refused(world: &World, spelling: &str, country: &str, code: &str, says: &str) {
    let answer = create(world, spelling, country);
    assert_eq!(answer.status, 422, "{spelling:?}: {}", answer.json());
    let errors = answer.json()["errors"].clone();
    assert_eq!(errors.as_array().map(Vec::len), Some(1), "{errors}");
    assert_eq!(
        (&errors[0]["field"], &errors[0]["code"]),
        (&json!("unconfirmed_phone_number"), &json!(code)),
        "{spelling:?}"
    );
    let detail = errors[0]["detail"].as_str().unwrap();
    assert!(detail.contains(says), "{spelling:?}: {detail:?} does not say {says:?}");
}

#[test]
fn numbers_are_read_as_they_are_dialled() {
    let world = in_mode("valid");
    for (spelling, country, number, own_country) in [
        ("(418) 581-0827", "CA", "+14185810827", "CA"),
        ("011 44 20 7946 0018", "US", "+442079460018", "GB"),
        ("8~10 49 1512 3456789", "RU", "+4915123456789", "DE"),
        ("06 12 34 56 78", "FR", "+33612345678", "FR"),
        ("06 698 12345", "IT", "+390669812345", "VA"),
        ("391 234 5678", "IT", "+393912345678", "IT"),
        ("91234 56789", "IN", "+919123456789", "IN"),
        ("+7 800 555 35 35", "US", "+78005553535", "RU"),
        ("1-800-FLOWERS", "US", "+18003569377", "US"),
        ("+800 1234 5678", "DE", "+80012345678", "DE"),
        ("tel:+61-412-345-678", "US", "+61412345678", "AU"),
        (
            "\u{0669}\u{0661}\u{0668}\u{0661}\u{0662}\u{0663}\u{0664}\u{0665}\u{0666}\u{0667}",
            "IN",
            "+919181234567",
            "IN",
        ),
    ] {
        is_read_as(&world, spelling, country, number, own_country);
    }
}

fn a_number_is_one_in_whichever_notation(kind: DatabaseKind) {
    let world = World::start(kind);
    let id = create(&world, "(418) 581-0827", "CA").json()["id"].clone();
    for (spelling, country) in [
        ("+14185810827", "FR"),
        ("1 418 581 0827", "US"),
        ("\u{FF14}\u{FF11}\u{FF18}\u{3000}581\u{00A0}0827", "CA"),
        ("00 1 418 581 0827", "DE"),
        ("tel:581-0827;phone-context=+1418", "JM"),
    ] {
        let answer = create(&world, spelling, country);
        assert_eq!((answer.status, &answer.json()["existing_customer_id"]), (409, &id), "{spelling:?}");
    }
}

#[test]
fn a_refusal_tells_what_is_wrong_with_the_number() {
    let world = in_mode("possible");
    for (spelling, country, code, says) in [
        ("my number", "CA", "invalid", "must be a phone number, such as"),
        ("418-581\t0827", "CA", "invalid", "control characters"),
        ("333-333-333", "US", "too_short", "at least 10 digits must follow the calling code +1"),
        ("+33 6 12 34 56 78 90", "US", "too_long", "at most 9 digits may follow the calling code +33"),
        ("+376 712 4912", "AD", "impossible_length", "no number of +376 has"),
        ("581-0827", "CA", "area_code_missing", "with its area code"),
        ("418-581-0827 ext. 5", "CA", "extension", "must not have an extension"),
        ("+999 123 456 789", "CA", "unknown_calling_code", "calling code"),
        ("01534 45678", "JE", "ambiguous_prefix", "dialling prefix"),
    ] {
        is_refused(&world, spelling, country, code, says);
    }
    is_refused(&world, &"1".repeat(251), "CA", "too_long", "at most 250 characters");
    is_read_as(&world, "333-333-3333", "US", "+13333333333", "US");
    let unknown = create(&world, "+14185810827", "ZZ").json();
    assert_eq!(
        (&unknown["errors"][0]["field"], &unknown["errors"][0]["code"]),
        (&json!("country_code"), &json!("invalid"))
    );
    assert_eq!(world.events().len(), 1, "what was refused has left nothing");
}

#[test]
fn the_mode_says_how_strictly_a_number_is_checked() {
    let valid = in_mode("valid");
    is_refused(&valid, "333-333-3333", "US", "not_in_numbering_plan", "there is none with these digits");
    is_refused(&valid, "333-333-333", "US", "too_short", "at least 10 digits");
    let any = in_mode("any");
    is_read_as(&any, "333-333-333", "US", "+1333333333", "US");
    is_refused(&any, "418-581-0827 x5", "US", "extension", "extension");
    is_refused(&any, "+1 234 567 890 123 4567", "US", "too_long", "at most 14 digits");
    assert_eq!(any.events().len(), 1);
}
