//! A customer who is erased leaves no card at its provider.

use serde_json::Value;
use test_support::{DatabaseKind, FaultProxy, Localstripe};

use crate::cards::{begin, card_link, finish, with_stripe, with_stripe_at};
use crate::erasure::{SOON, erase};
use crate::visitor::{Visitor, assert_page};
use crate::world::{path_of, until};

crate::on_both_databases!(
    his_card_goes_at_its_provider_even_when_the_process_dies,
    a_card_that_he_entered_and_did_not_finish_goes_too,
);

/// Who holds a card at the provider, by the secret of its setup.
fn holder(stripe: &Localstripe, secret: &str) -> Value {
    let setup = stripe.get(&format!("/v1/setup_intents/{}", secret.split("_secret").next().unwrap()));
    stripe.get(&format!("/v1/payment_methods/{}", setup["payment_method"].as_str().unwrap()))["customer"].clone()
}

fn his_card_goes_at_its_provider_even_when_the_process_dies(kind: DatabaseKind) {
    let stripe = Localstripe::start();
    let proxy = FaultProxy::before(stripe.address());
    let mut world = with_stripe_at(kind, &stripe, format!("http://{}", proxy.address()));
    let customer = world.confirmed();
    let visitor = Visitor::open(&world, &card_link(&world, &path_of(&customer)));
    let secret = begin(&visitor);
    assert_eq!(stripe.enter(&secret, "4242424242424242"), 200);
    assert_eq!(finish(&visitor).status, 200);
    assert!(holder(&stripe, &secret).is_string());
    proxy.cut();
    erase(&world, &customer);
    world.service.kill();
    proxy.mend();
    // Where it was tried before the end it is due again in a minute; nobody waits so long here.
    let due = match kind {
        DatabaseKind::Sqlite => "UPDATE card_detachments SET next_try_at = 0",
        DatabaseKind::Postgresql => "UPDATE card_detachments SET next_try_at = 'epoch'",
    };
    world.database.execute(due);
    world.start_again();
    until("the card is removed", SOON, || holder(&stripe, &secret).is_null().then_some(()));
    until("the queue is empty", SOON, || (world.database.count("SELECT * FROM card_detachments") == 0).then_some(()));
}

fn a_card_that_he_entered_and_did_not_finish_goes_too(kind: DatabaseKind) {
    let stripe = Localstripe::start();
    let world = with_stripe(kind, &stripe);
    // Entered before he is erased, entered after, and entered while the bank has yet to ask.
    let [before, after, asked] = [(); 3].map(|()| {
        let customer = world.confirmed();
        let visitor = Visitor::open(&world, &card_link(&world, &path_of(&customer)));
        let secret = begin(&visitor);
        (customer, visitor, secret)
    });
    assert_eq!(stripe.enter(&before.2, "4242424242424242"), 200);
    assert_eq!(stripe.enter(&asked.2, "4000002500003155"), 200);
    assert!(holder(&stripe, &before.2).is_string());
    let queue = || world.database.count("SELECT * FROM card_detachments");
    for (customer, visitor, secret) in [&before, &after, &asked] {
        let setup = stripe.get(&format!("/v1/setup_intents/{}", secret.split("_secret").next().unwrap()));
        let at_stripe = setup["customer"].as_str().unwrap();
        erase(&world, customer);
        until("the provider was told", SOON, || (queue() == 0).then_some(()));
        let late = stripe.enter(secret, "4242424242424242");
        assert!((400..500).contains(&late), "it is over: {late}");
        assert_ne!(stripe.authenticate(secret), 200);
        let answer = finish(visitor);
        assert_page(&answer, if answer.status == 404 { 404 } else { 410 });
        assert_eq!(stripe.cards_of(at_stripe), 0);
    }
    assert!(holder(&stripe, &before.2).is_null());
}
