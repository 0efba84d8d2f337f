//! Limits that hold for a number, whoever has it: erase-and-create is no way around.

use serde_json::{Value, json};
use test_support::{Answer, DatabaseKind};

use crate::errors::assert_problem;
use crate::world::{OTHER_KEY, World, at_once, new_customer, number, other_token, path_of, token_of};

crate::on_both_databases!(
    tries_on_a_number_count_for_whoever_has_it_next,
    tries_on_a_number_count_over_a_change_there_and_back,
    tries_at_one_number_lock_no_other,
    a_success_ends_the_memory_of_wrong_tries,
    a_number_gets_20_tokens_a_day,
    a_number_gets_20_tokens_a_day_however_many_ask,
    a_number_is_remembered_however_it_is_given_up,
    a_number_is_remembered_once_over_a_rotation_of_the_secret_key,
    without_a_pause_there_is_no_limit_on_tokens,
    what_is_remembered_of_a_number_does_not_tell_it,
);

const DEFAULT: [(&str, &str); 1] = [("CUSTOMERS_CONFIRMATION_RESEND_INTERVAL", "30s")];

fn create(world: &World, number: &str) -> Answer {
    world.http.post("/v1/customers", &new_customer(number))
}

fn erase(world: &World, customer: &Value) {
    assert_eq!(world.delete(&path_of(customer)).status, 204);
}

/// The token of now.
fn current(world: &World, customer: &Value) -> String {
    world.http.get(&path_of(customer)).json()["confirmation_token"].as_str().unwrap().to_owned()
}

/// Presents so many wrong tokens, with a new one for every five of them.
fn guess(world: &World, customer: &Value, times: usize) {
    for at in 0..times {
        if at > 0 && at % 5 == 0 {
            let answer = world.http.post(&format!("{}/generate_confirmation", path_of(customer)), &json!({}));
            assert_eq!(answer.status, 201, "{answer:?}");
        }
        let answer = world.confirm_with(customer, &other_token(&current(world, customer)));
        assert_problem(&answer, 422, "confirmation_token_invalid", "it is wrong");
    }
}

fn assert_locked(world: &World, customer: &Value) {
    for token in [current(world, customer), other_token(&current(world, customer))] {
        let answer = world.confirm_with(customer, &token);
        assert_problem(&answer, 429, "too_many_attempts", "the number had its tries");
        let wait = answer.header("retry-after").and_then(|after| after.parse::<u32>().ok());
        assert!(wait.is_some_and(|wait| (86_000..=86_400).contains(&wait)), "{answer:?}");
    }
    let verification = world.http.get(&format!("{}/verification", path_of(customer))).json();
    assert_eq!((&verification["status"], &verification["attempts_remaining"]), (&json!("locked"), &json!(0)));
    assert!(verification["locked_until"].is_string(), "{verification}");
}

fn assert_too_soon(answer: &Answer) {
    assert_problem(answer, 429, "resend_too_soon", "the number had its tokens");
    let wait = answer.header("retry-after").and_then(|after| after.parse::<u32>().ok());
    assert!(wait.is_some_and(|wait| (80_000..=86_400).contains(&wait)), "{answer:?}");
}

fn tries_on_a_number_count_for_whoever_has_it_next(kind: DatabaseKind) {
    let world = World::start(kind);
    let wanted = number();
    // Six with the first, four with the second: ten in all.
    let first = create(&world, &wanted).json();
    guess(&world, &first, 6);
    erase(&world, &first);
    let second = create(&world, &wanted).json();
    let verification = world.http.get(&format!("{}/verification", path_of(&second))).json();
    assert_eq!(verification["attempts_remaining"], 4, "of the day's ten");
    guess(&world, &second, 4);
    assert_locked(&world, &second);
    for _ in 0..2 {
        let spelled =
            json!({"unconfirmed_phone_number": format!("({}) {}", &wanted[2..5], &wanted[5..]), "country_code": "ca"});
        erase(&world, &find(&world, &wanted));
        let next = world.http.post("/v1/customers", &spelled);
        assert_eq!(next.status, 201, "{next:?}");
        assert_locked(&world, &next.json());
    }
    // Whoever is vouched for needs no try.
    erase(&world, &find(&world, &wanted));
    let mut trusted = new_customer(&wanted);
    trusted["confirmation"] = json!(false);
    let trusted = world.http.post("/v1/customers", &trusted);
    assert_eq!(trusted.status, 201, "{trusted:?}");
    erase(&world, &trusted.json());
    let next = create(&world, &wanted);
    assert_locked(&world, &next.json());
    // Other numbers are not concerned.
    assert_eq!(world.confirm(&world.create()).status, 200);
}

/// Who has a number.
fn find(world: &World, number: &str) -> Value {
    let answer = create(world, number);
    assert_problem(&answer, 409, "phone_number_taken", number);
    json!({"id": answer.json()["existing_customer_id"]})
}

fn tries_on_a_number_count_over_a_change_there_and_back(kind: DatabaseKind) {
    let world = World::start(kind);
    let (wanted, own) = (number(), number());
    let change = |customer: &Value, number: &str| {
        let answer = world.change_number(customer, number);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    // Somebody changes to it, guesses, and goes back to his own, by which he succeeds.
    let guesser = world.create();
    change(&guesser, &wanted);
    guess(&world, &guesser, 9);
    let back = change(&guesser, &own);
    assert_eq!(world.confirm(&back).status, 200, "one try is left");
    change(&guesser, &wanted);
    guess(&world, &guesser, 1);
    assert_locked(&world, &guesser);
    // Nor does anybody else get tries by it.
    assert_eq!(world.delete(&format!("{}/phone_number", path_of(&guesser))).status, 204);
    let other = world.confirmed();
    change(&other, &wanted);
    assert_locked(&world, &other);
    // Nor does a word in between help.
    let mut trusted = new_customer(&number());
    trusted["confirmation"] = json!(false);
    assert_eq!(world.http.post(&format!("{}/phone_number", path_of(&other)), &trusted).status, 200);
    change(&other, &wanted);
    assert_locked(&world, &other);
    assert_eq!(world.delete(&format!("{}/phone_number", path_of(&other))).status, 204);
    assert_locked(&world, &create(&world, &wanted).json());
}

fn tries_at_one_number_lock_no_other(kind: DatabaseKind) {
    let world = World::start(kind);
    let (first, second, third) = (number(), number(), number());
    // Somebody uses up his tries at one number, and goes through those of others.
    let guesser = create(&world, &first).json();
    guess(&world, &guesser, 10);
    for victim in [&second, &third] {
        assert_eq!(world.change_number(&guesser, victim).status, 200);
        assert_locked(&world, &guesser);
    }
    erase(&world, &guesser);
    for victim in [&second, &third] {
        let owner = create(&world, victim).json();
        let verification = world.http.get(&format!("{}/verification", path_of(&owner))).json();
        assert_eq!(verification["attempts_remaining"], 5, "{verification}");
        assert_eq!(world.confirm(&owner).status, 200);
    }
    // And whoever mistypes the number at which others tried is free at his own.
    let unlucky = create(&world, &first).json();
    assert_locked(&world, &unlucky);
    let own = world.change_number(&unlucky, &number());
    assert_eq!(world.confirm(&own.json()).status, 200);
}

fn a_success_ends_the_memory_of_wrong_tries(kind: DatabaseKind) {
    let world = World::start(kind);
    let wanted = number();
    let first = create(&world, &wanted).json();
    guess(&world, &first, 4);
    assert_eq!(world.confirm(&first).status, 200);
    erase(&world, &first);
    let second = create(&world, &wanted).json();
    let verification = world.http.get(&format!("{}/verification", path_of(&second))).json();
    assert_eq!(verification["attempts_remaining"], 5, "{verification}");
    guess(&world, &second, 9);
}

fn a_number_gets_20_tokens_a_day(kind: DatabaseKind) {
    let world = World::with(kind, &DEFAULT);
    let wanted = number();
    for turn in 0..20 {
        // As a customer of his own, and as the next number of one.
        if turn % 2 == 0 {
            let customer = create(&world, &wanted);
            assert_eq!(customer.status, 201, "{turn}: {customer:?}");
            erase(&world, &customer.json());
        } else {
            let mut trusted = new_customer(&number());
            trusted["confirmation"] = json!(false);
            let customer = world.http.post("/v1/customers", &trusted).json();
            let changing = world.change_number(&customer, &wanted);
            assert_eq!(changing.status, 200, "{turn}: {changing:?}");
            assert_eq!(world.delete(&format!("{}/phone_number", path_of(&customer))).status, 204);
        }
    }
    let events = world.events().len();
    for _ in 0..2 {
        assert_too_soon(&create(&world, &wanted));
        let spelled = json!({"unconfirmed_phone_number": &wanted[2..], "country_code": "CA"});
        assert_too_soon(&world.http.post("/v1/customers", &spelled));
        let path = "/v1/customers/fffd7e80-1691-41f5-8946-9deeaf0b8640";
        assert_too_soon(&world.http.post(path, &new_customer(&wanted)));
    }
    let mut trusted = new_customer(&number());
    trusted["confirmation"] = json!(false);
    let customer = world.http.post("/v1/customers", &trusted).json();
    assert_too_soon(&world.change_number(&customer, &wanted));
    assert_eq!(world.events().len(), events, "no token was made");
    // A word needs no token.
    trusted["unconfirmed_phone_number"] = json!(wanted);
    let trusted = world.http.post("/v1/customers", &trusted);
    assert_eq!(trusted.status, 201, "{trusted:?}");
    erase(&world, &trusted.json());
    assert_too_soon(&create(&world, &wanted));
    assert_eq!(create(&world, &number()).status, 201, "other numbers are not concerned");
}

fn a_number_gets_20_tokens_a_day_however_many_ask(kind: DatabaseKind) {
    let world = World::with(kind, &DEFAULT);
    let other = world.another();
    let clients = [world.http.clone(), other.client().with_key(&world.key)];
    let wanted = number();
    let made: usize = at_once(8, |which| {
        let http = &clients[which % 2];
        let mut made = 0;
        for _ in 0..12 {
            let created = http.post("/v1/customers", &new_customer(&wanted));
            match created.status {
                201 => {
                    made += 1;
                    let path = path_of(&created.json());
                    assert_eq!(http.send("DELETE", &path, &[], "").status, 204);
                }
                409 | 429 | 503 => {}
                _ => panic!("{created:?}"),
            }
        }
        made
    })
    .into_iter()
    .sum();
    assert!(made > 2, "{made} are too few to show anything");
    assert!(made <= 20, "{made} tokens were made for one number");
    for _ in made..20 {
        let created = create(&world, &wanted);
        assert_eq!(created.status, 201, "each of the {made} counted once: {created:?}");
        erase(&world, &created.json());
    }
    assert_too_soon(&create(&world, &wanted));
}

fn a_number_is_remembered_however_it_is_given_up(kind: DatabaseKind) {
    let settings = [("CUSTOMERS_PENDING_NUMBER_TTL", "1s"), ("CUSTOMERS_UNCONFIRMED_TTL", "1s")];
    let world = World::with(kind, &settings);
    let soon = std::time::Duration::from_secs(15);
    let again = |number: &str| {
        let next = crate::world::until("it is free", soon, || {
            let answer = create(&world, number);
            (answer.status == 201).then(|| answer.json())
        });
        assert_locked_or_gone(&world, &next);
    };
    // A change that waited for too long.
    let (changing, wanted) = (world.confirmed(), number());
    assert_eq!(world.change_number(&changing, &wanted).status, 200);
    guess(&world, &changing, 4);
    crate::world::until("it waited for too long", soon, || {
        let object = world.http.get(&path_of(&changing)).json();
        (object["unconfirmed_phone_number"] != wanted.as_str()).then_some(())
    });
    let verification = |customer: &Value| world.http.get(&format!("{}/verification", path_of(customer))).json();
    assert_eq!(world.change_number(&changing, &wanted).status, 200);
    assert_eq!(verification(&changing)["attempts_remaining"], 5, "of the day's six");
    guess(&world, &changing, 5);
    assert_eq!(world.http.post(&format!("{}/generate_confirmation", path_of(&changing)), &json!({})).status, 201);
    guess(&world, &changing, 1);
    assert_eq!(world.delete(&format!("{}/phone_number", path_of(&changing))).status, 204);
    again(&wanted);
    // One who never confirmed.
    again(&wanted);
}

/// He may be erased before he is looked at.
fn assert_locked_or_gone(world: &World, customer: &Value) {
    let answer = world.confirm(customer);
    assert!(matches!(answer.status, 429 | 404), "{answer:?}");
}

fn a_number_is_remembered_once_over_a_rotation_of_the_secret_key(kind: DatabaseKind) {
    let mut world = World::with(kind, &DEFAULT);
    let wanted = number();
    for _ in 0..11 {
        let customer = create(&world, &wanted).json();
        erase(&world, &customer);
    }
    world.service.kill();
    world.rotate_secret(OTHER_KEY);
    world.start_again();
    for turn in 11..20 {
        let customer = create(&world, &wanted);
        assert_eq!(customer.status, 201, "{turn}: {customer:?}");
        erase(&world, &customer.json());
    }
    assert_too_soon(&create(&world, &wanted));
}

fn without_a_pause_there_is_no_limit_on_tokens(kind: DatabaseKind) {
    let world = World::start(kind);
    let wanted = number();
    for _ in 0..25 {
        let customer = create(&world, &wanted);
        assert_eq!(customer.status, 201, "{customer:?}");
        erase(&world, &customer.json());
    }
    let customer = create(&world, &wanted).json();
    for _ in 0..25 {
        let answer = world.http.post(&format!("{}/generate_confirmation", path_of(&customer)), &json!({}));
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    assert_eq!(world.confirm_with(&customer, &current(&world, &customer)).status, 200);
}

fn what_is_remembered_of_a_number_does_not_tell_it(kind: DatabaseKind) {
    let world = World::start(kind);
    let wanted = number();
    let customer = create(&world, &wanted).json();
    guess(&world, &customer, 1);
    erase(&world, &customer);
    assert_eq!(world.database.count("SELECT number FROM number_memories"), 1, "it is remembered");
    crate::world::until("it is nowhere", std::time::Duration::from_secs(15), || {
        (!world.database.dump().contains(&wanted[2..])).then_some(())
    });
    assert!(!token_of(&customer).is_empty());
}
