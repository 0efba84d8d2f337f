//! The way to a card, step by step, and everything that may come in between.

use super::*;
use crate::testing::{CODE, World, card, confirmed, customer_id, link};
use chrono::TimeDelta;
use domain::DetailChange;
use mockall::Sequence;
use ports::{MockCardProvider, MockClock, SaveError, StoreError};

type Step = Result<LinkState<CardStep>, Failure>;

/// A live link with which this setup was begun.
fn link_with(setup: Option<&str>) -> Link {
    Link { card_setup: setup.map(str::to_owned), ..link(LinkPurpose::Card, TimeDelta::minutes(14)) }
}

fn revoked(link: Link) -> Link {
    Link { revoked_at: Some(World::NOW), ..link }
}

/// A world in which the code is of this link.
fn world(link: Link) -> World {
    let mut world = World::holding(confirmed());
    world.with_codes();
    world.links.expect_find_by_code().returning(move |_| Ok(Some(link.clone())));
    world
}

/// A provider that was asked for nothing yet, where the customer is known as `cus_1`.
fn provider(world: &mut World) -> &mut MockCardProvider {
    world.provider_customers.expect_find_provider_customer().returning(|id, provider| {
        assert_eq!((id, provider), (customer_id(), "test"));
        Ok(Some("cus_1".to_owned()))
    });
    unknown_provider(world)
}

/// The same, where the customer is not known.
fn unknown_provider(world: &mut World) -> &mut MockCardProvider {
    let mut provider = MockCardProvider::new();
    provider.expect_name().return_const("test");
    world.card_provider.insert(provider)
}

fn setup(id: &str, state: CardSetupState) -> CardSetup {
    let client_secret = format!("secret of {id}");
    CardSetup { id: id.to_owned(), client_secret, provider_customer: Some("cus_1".to_owned()), state }
}

fn awaits_card(id: &str) -> CardSetup {
    setup(id, CardSetupState::AwaitsCard { refusal: None })
}

/// What the provider tells of [`card`]`(1)`.
fn provided() -> ProvidedCard {
    let CardParts { payment_method, brand, last4, exp_month, exp_year, .. } = card(1).parts().clone();
    ProvidedCard { payment_method, brand, last4, exp_month, exp_year }
}

fn succeeded() -> CardSetup {
    setup("seti_1", CardSetupState::Succeeded(provided()))
}

/// A world in which the customer entered his card at the provider, and these cards are kept, one look-up after the
/// other.
fn entered(link: Link, kept: Vec<Option<Card>>) -> World {
    let mut world = world(link);
    provider(&mut world).expect_find_setup().once().returning(|_| Ok(Some(succeeded())));
    keeping(&mut world, kept);
    world
}

fn keeping(world: &mut World, kept: Vec<Option<Card>>) {
    let mut order = Sequence::new();
    for card in kept {
        world.customers.expect_find_card().once().in_sequence(&mut order).return_once(move |_| Ok(card));
    }
}

fn enter(setup: &str, refusal: Option<&str>) -> LinkState<CardStep> {
    let client_secret = format!("secret of {setup}");
    LinkState::Live(CardStep::Enter { client_secret, refusal: refusal.map(str::to_owned) })
}

fn saved(number: u8) -> LinkState<CardStep> {
    LinkState::Live(CardStep::Saved(card(number)))
}

async fn step(world: World) -> Step {
    world.service().card_step(CODE).await
}

#[tokio::test]
async fn without_a_provider_no_card_is_offered() {
    assert_eq!(world(link_with(None)).service().card_browser(), None);
    assert_eq!(step(world(link_with(None))).await, Ok(LinkState::Live(CardStep::NotOffered)));
}

#[tokio::test]
async fn the_page_gets_what_it_needs_of_the_provider() {
    let browser = CardBrowser {
        script_url: "/test.js".to_owned(),
        publishable_key: "pk".to_owned(),
        script_origins: Vec::new(),
        frame_origins: Vec::new(),
        connect_origins: Vec::new(),
        display_name: None,
        is_test: true,
    };
    let mut world = world(link_with(None));
    provider(&mut world).expect_browser().return_const(browser.clone());
    assert_eq!(world.service().card_browser(), Some(browser));
}

#[tokio::test]
async fn the_first_step_makes_a_customer_at_the_provider_and_a_setup_and_notes_both() {
    let mut world = world(link_with(None));
    let provider = unknown_provider(&mut world);
    provider.expect_create_customer().once().returning(|id, replacing| {
        assert_eq!((id, replacing), (customer_id(), None));
        Ok("cus_1".to_owned())
    });
    provider.expect_create_setup().once().returning(|customer, of, replacing| {
        assert_eq!((customer, of, replacing), ("cus_1", link_with(None).id, None));
        Ok(awaits_card("seti_1"))
    });
    world.provider_customers.expect_find_provider_customer().once().returning(|_, _| Ok(None));
    world.provider_customers.expect_keep_provider_customer().once().returning(|id, provider, replaces, made| {
        assert_eq!((id, provider, replaces), (customer_id(), "test", None));
        Ok(made)
    });
    world.links.expect_bind_card_setup().once().returning(|id, replaces, setup| {
        assert_eq!((id, replaces), (link_with(None).id, None));
        Ok(Some(setup))
    });
    assert_eq!(step(world).await, Ok(enter("seti_1", None)));
}

#[tokio::test]
async fn of_two_customers_made_at_the_provider_the_one_that_was_kept_first_gets_the_setup() {
    let mut world = world(link_with(None));
    let provider = unknown_provider(&mut world);
    provider.expect_create_customer().once().returning(|_, _| Ok("cus_2".to_owned()));
    provider.expect_create_setup().once().returning(|customer, _, _| {
        assert_eq!(customer, "cus_1");
        Ok(awaits_card("seti_1"))
    });
    world.provider_customers.expect_find_provider_customer().once().returning(|_, _| Ok(None));
    world.provider_customers.expect_keep_provider_customer().once().returning(|_, _, _, _| Ok("cus_1".to_owned()));
    world.links.expect_bind_card_setup().once().returning(|_, _, setup| Ok(Some(setup)));
    assert_eq!(step(world).await, Ok(enter("seti_1", None)));
}

#[tokio::test]
async fn a_customer_whom_the_provider_does_not_know_any_more_is_made_anew_once() {
    let mut world = world(link_with(None));
    let provider = provider(&mut world);
    provider.expect_create_setup().times(2).returning(|customer, _, _| match customer {
        "cus_1" => Err(CardProviderError::UnknownCustomer),
        _ => Ok(CardSetup { provider_customer: Some("cus_2".to_owned()), ..awaits_card("seti_1") }),
    });
    provider.expect_create_customer().once().returning(|_, replacing| {
        assert_eq!(replacing.as_deref(), Some("cus_1"));
        Ok("cus_2".to_owned())
    });
    world.provider_customers.expect_keep_provider_customer().once().returning(|_, _, replaces, made| {
        assert_eq!(replaces.as_deref(), Some("cus_1"));
        Ok(made)
    });
    world.links.expect_bind_card_setup().once().returning(|_, _, setup| Ok(Some(setup)));
    assert_eq!(step(world).await, Ok(enter("seti_1", None)));
}

#[tokio::test]
async fn a_setup_that_the_provider_made_for_another_customer_is_never_used() {
    for state in [CardSetupState::AwaitsCard { refusal: None }, CardSetupState::Succeeded(provided())] {
        for another in [None, Some("cus_another".to_owned())] {
            let mut world = world(link_with(None));
            let made = CardSetup { provider_customer: another, ..setup("seti_1", state.clone()) };
            provider(&mut world).expect_create_setup().once().return_once(move |_, _, _| Ok(made));
            let refused = step(world).await;
            assert!(matches!(refused, Err(Failure::CardProvider(CardProviderError::Rejected(_)))), "{refused:?}");
        }
    }
}

#[tokio::test]
async fn of_two_setups_the_one_that_was_noted_first_is_gone_on_with() {
    let mut world = world(link_with(None));
    let provider = provider(&mut world);
    provider.expect_create_setup().once().returning(|_, _, _| Ok(awaits_card("seti_2")));
    provider.expect_find_setup().once().returning(|id| Ok(Some(awaits_card(id))));
    world.links.expect_bind_card_setup().once().returning(|_, _, _| Ok(Some("seti_1".to_owned())));
    assert_eq!(step(world).await, Ok(enter("seti_1", None)));
}

#[tokio::test]
async fn who_finds_the_link_gone_or_the_noted_setup_of_no_use_comes_back() {
    for (noted, found) in [(None, None), (Some("seti_1"), Some(setup("seti_1", CardSetupState::Canceled)))] {
        let mut world = world(link_with(None));
        let provider = provider(&mut world);
        provider.expect_create_setup().once().returning(|_, _, _| Ok(awaits_card("seti_2")));
        provider.expect_find_setup().times(noted.iter().count()).returning(move |_| Ok(found.clone()));
        world.links.expect_bind_card_setup().once().returning(move |_, _, _| Ok(noted.map(str::to_owned)));
        assert_eq!(step(world).await, Err(Failure::Contended));
    }
}

#[tokio::test]
async fn a_setup_that_was_begun_is_gone_on_with() {
    for (state, expected) in [
        (CardSetupState::AwaitsCard { refusal: None }, Ok(enter("seti_1", None))),
        (
            CardSetupState::AwaitsCard { refusal: Some("card_declined".to_owned()) },
            Ok(enter("seti_1", Some("card_declined"))),
        ),
        (CardSetupState::AwaitsCustomer, Ok(enter("seti_1", Some("authentication_required")))),
        (CardSetupState::Processing, Ok(LinkState::Live(CardStep::Processing))),
    ] {
        let mut world = world(link_with(Some("seti_1")));
        keeping(&mut world, vec![Some(card(9))]);
        let found = setup("seti_1", state);
        provider(&mut world).expect_find_setup().once().returning(move |id| {
            assert_eq!(id, "seti_1");
            Ok(Some(found.clone()))
        });
        assert_eq!(step(world).await, expected);
    }
}

#[tokio::test]
async fn a_setup_that_came_to_nothing_or_is_another_customers_is_replaced() {
    let others = |customer: Option<&str>| CardSetup { provider_customer: customer.map(str::to_owned), ..succeeded() };
    for found in
        [Some(setup("seti_1", CardSetupState::Canceled)), Some(others(Some("cus_2"))), Some(others(None)), None]
    {
        let mut world = world(link_with(Some("seti_1")));
        keeping(&mut world, vec![None]);
        let provider = provider(&mut world);
        provider.expect_find_setup().once().returning(move |_| Ok(found.clone()));
        provider.expect_create_setup().once().returning(|_, _, replacing| {
            assert_eq!(replacing.as_deref(), Some("seti_1"));
            Ok(awaits_card("seti_2"))
        });
        world.links.expect_bind_card_setup().once().returning(|_, replaces, setup| {
            assert_eq!(replaces.as_deref(), Some("seti_1"));
            Ok(Some(setup))
        });
        assert_eq!(step(world).await, Ok(enter("seti_2", None)));
    }
}

#[tokio::test]
async fn a_new_setup_that_is_canceled_already_is_not_shown() {
    let mut world = world(link_with(None));
    let provider = provider(&mut world);
    provider.expect_create_setup().once().returning(|_, _, _| Ok(setup("seti_1", CardSetupState::Canceled)));
    world.links.expect_bind_card_setup().once().returning(|_, _, setup| Ok(Some(setup)));
    assert_eq!(step(world).await, Err(Failure::Contended));
}

#[tokio::test]
async fn a_card_that_is_there_is_saved_with_an_event_uses_up_the_links_and_sends_the_old_one_away() {
    for old in [None, Some(card(9))] {
        let mut world = entered(link_with(Some("seti_1")), vec![old.clone(); 2]);
        world.customers.expect_save().once().returning(move |change, _| {
            assert_eq!(change.replaces(), Some(confirmed().parts().version));
            let details = DetailChange::Card { card: Some(card(1)), detaches: old.clone() };
            assert_eq!(change.details(), Some(&details));
            assert_eq!(change.revokes_links(), [LinkPurpose::Card]);
            assert_eq!(change.events().len(), 1);
            Ok(())
        });
        assert_eq!(step(world).await, Ok(saved(1)));
    }
}

#[tokio::test]
async fn a_card_that_is_saved_is_told_again_without_asking_the_provider_and_without_a_save() {
    let mut world = world(revoked(link_with(Some("seti_1"))));
    keeping(&mut world, vec![Some(card(1))]);
    world.card_provider = Some(MockCardProvider::new());
    assert_eq!(step(world).await, Ok(saved(1)));
}

#[tokio::test]
async fn a_link_tells_of_no_card_but_the_one_that_it_brought() {
    let mut another = world(revoked(link_with(Some("seti_1"))));
    keeping(&mut another, vec![Some(card(2))]);
    assert_eq!(step(another).await, Ok(LinkState::Gone));
    let mut removed = world(revoked(link_with(Some("seti_1"))));
    keeping(&mut removed, vec![None]);
    assert_eq!(step(removed).await, Ok(LinkState::Gone));
    assert_eq!(step(world(revoked(link_with(None)))).await, Ok(LinkState::Gone), "it brought none");
}

#[tokio::test]
async fn an_expired_link_opens_nothing_not_even_the_card_that_it_brought() {
    for setup in [None, Some("seti_1")] {
        let old = Link { card_setup: setup.map(str::to_owned), ..link(LinkPurpose::Card, TimeDelta::minutes(15)) };
        for dead in [old.clone(), revoked(old)] {
            assert_eq!(step(world(dead)).await, Ok(LinkState::Gone));
        }
    }
}

#[tokio::test]
async fn a_code_of_no_link_or_of_an_address_leads_to_no_card() {
    let mut unknown = World::new();
    unknown.with_codes();
    unknown.links.expect_find_by_code().once().returning(|_| Ok(None));
    assert_eq!(step(unknown).await, Ok(LinkState::Unknown));
    for purpose in [LinkPurpose::BillingAddress, LinkPurpose::ShippingAddress] {
        assert_eq!(step(world(link(purpose, TimeDelta::zero()))).await, Ok(LinkState::Unknown));
    }
    assert_eq!(World::new().service().card_step("no code").await, Ok(LinkState::Unknown));
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_a_failure_and_nothing_is_saved() {
    let error = CardProviderError::Unavailable("no answer in time".to_owned());
    let failed = Err(Failure::CardProvider(error.clone()));

    let mut no_customer = world(link_with(None));
    no_customer.provider_customers.expect_find_provider_customer().once().returning(|_, _| Ok(None));
    let refused = error.clone();
    unknown_provider(&mut no_customer).expect_create_customer().once().return_once(move |_, _| Err(refused));
    assert_eq!(step(no_customer).await, failed);

    let mut no_setup = world(link_with(None));
    let refused = error.clone();
    provider(&mut no_setup).expect_create_setup().once().return_once(move |_, _, _| Err(refused));
    assert_eq!(step(no_setup).await, failed);

    let mut no_look = world(link_with(Some("seti_1")));
    keeping(&mut no_look, vec![None]);
    provider(&mut no_look).expect_find_setup().once().return_once(move |_| Err(error));
    assert_eq!(step(no_look).await, failed);
}

#[tokio::test]
async fn what_is_no_card_is_refused_by_the_part_that_makes_no_sense_and_not_saved() {
    let mut world = world(link_with(Some("seti_1")));
    keeping(&mut world, vec![None]);
    let nonsense = ProvidedCard { last4: "4242424242424242".to_owned(), ..provided() };
    let setup = setup("seti_1", CardSetupState::Succeeded(nonsense));
    provider(&mut world).expect_find_setup().once().return_once(move |_| Ok(Some(setup)));
    let Err(Failure::CardProvider(CardProviderError::Rejected(why))) = step(world).await else { panic!("refused") };
    assert!(why.contains("last4") && !why.contains("4242"), "{why}");
}

/// A world in which the customer entered his card at the provider, and the code is of these links and these cards are
/// kept, one look-up after the other.
fn racing(links: Vec<Option<Link>>, kept: Vec<Option<Card>>) -> World {
    let mut world = World::holding(confirmed());
    world.with_codes();
    let mut order = Sequence::new();
    for link in links {
        world.links.expect_find_by_code().once().in_sequence(&mut order).return_once(move |_| Ok(link));
    }
    provider(&mut world).expect_find_setup().once().returning(|_| Ok(Some(succeeded())));
    keeping(&mut world, kept);
    world
}

/// The card that was entered is not left at the provider.
fn sent_away(world: &mut World) {
    world.detachments.expect_queue_detachment().once().returning(|provider, id, payment_method, at| {
        assert_eq!((provider, at), ("test", World::NOW));
        assert_eq!((id, payment_method), (link_with(None).id.uuid(), &*provided().payment_method));
        Ok(())
    });
}

#[tokio::test]
async fn of_two_who_finish_at_once_both_are_told_of_the_one_card() {
    // The other's, whose save revoked the link. His clock goes after.
    let winners = CardParts { updated_at: World::NOW - TimeDelta::milliseconds(1), ..card(1).parts().clone() };
    let winners = Card::new(winners).unwrap();
    let told = Ok(LinkState::Live(CardStep::Saved(winners.clone())));
    let live = Some(link_with(Some("seti_1")));
    let used_up = Some(revoked(link_with(Some("seti_1"))));
    // Neither finds a card at first; the other's save comes before this one decides, or in between.
    let before = racing(vec![live.clone(), used_up.clone()], vec![None, Some(winners.clone())]);
    assert_eq!(step(before).await, told);
    let mut between = racing(vec![live.clone(), live, used_up], vec![None, None, Some(winners)]);
    between.customers.expect_save().once().returning(|_, _| Err(SaveError::VersionConflict));
    assert_eq!(step(between).await, told);
}

#[tokio::test]
async fn a_link_that_is_revoked_meanwhile_saves_no_card() {
    let live = Some(link_with(Some("seti_1")));
    let used_up = Some(revoked(link_with(Some("seti_1"))));
    // By nobody's card, by another link's, and one that is forgotten.
    for (after, kept) in [(used_up.clone(), None), (used_up, Some(card(2))), (None, None)] {
        let mut before = racing(vec![live.clone(), after.clone()], vec![None, kept.clone()]);
        sent_away(&mut before);
        assert_eq!(step(before).await, Ok(LinkState::Gone));
        let mut between = racing(vec![live.clone(), live.clone(), after], vec![None, None, kept]);
        sent_away(&mut between);
        between.customers.expect_save().once().returning(|_, _| Err(SaveError::VersionConflict));
        assert_eq!(step(between).await, Ok(LinkState::Gone));
    }
}

#[tokio::test]
async fn a_link_that_expires_while_the_provider_answers_was_in_time() {
    let link = link_with(Some("seti_1"));
    let mut world = entered(link.clone(), vec![None; 2]);
    let mut times = [World::NOW].into_iter().chain(std::iter::repeat(link.expires_at));
    world.clock = MockClock::new();
    world.clock.expect_now().returning(move || times.next().unwrap());
    world.customers.expect_save().once().returning(|_, _| Ok(()));
    assert_eq!(step(world).await, Ok(saved(1)));
}

#[tokio::test]
async fn the_card_that_used_a_link_up_is_told_to_the_browser_that_opened_it_and_to_no_other() {
    let link = revoked(link_with(Some("seti_1")));
    let asked = async |session: &str, token: &str, link: Link| {
        let mut world = late(link);
        keeping(&mut world, vec![Some(card(1))]);
        world.service().finish_card_late(CODE, session, token).await.unwrap()
    };
    assert_eq!(asked("cookie of it", "form of it", link.clone()).await, Some(card(1)));
    assert_eq!(late(link.clone()).service().finish_card_late(CODE, "another", "form of it").await, Ok(None));
    assert_eq!(late(link.clone()).service().finish_card_late(CODE, "", "").await, Ok(None));
    let long_over = Link { expires_at: World::NOW - Service::CARD_LATENESS, ..link };
    assert_eq!(late(long_over).service().finish_card_late(CODE, "cookie of it", "form of it").await, Ok(None));
}

/// A world in which this link is found once, and a session's token is known by it.
fn late(link: Link) -> World {
    let mut world = World::holding(confirmed());
    world.with_codes();
    world.secrets.expect_form_token().returning(|_, part| format!("{part} of it"));
    world.links.expect_find_by_code().returning(move |_| Ok(Some(link.clone())));
    world
}

#[tokio::test]
async fn a_card_that_was_entered_while_the_link_expired_is_saved_a_while_longer() {
    let expired = Link { expires_at: World::NOW, ..link_with(Some("seti_1")) };
    let mut world = late(expired.clone());
    keeping(&mut world, vec![None; 2]);
    provider(&mut world).expect_find_setup().once().returning(|_| Ok(Some(succeeded())));
    world.customers.expect_save().once().returning(|_, _| Ok(()));
    assert_eq!(world.service().finish_card_late(CODE, "cookie of it", "form of it").await, Ok(Some(card(1))));

    // Nothing else is done with it.
    let mut not_entered = late(expired.clone());
    keeping(&mut not_entered, vec![None]);
    provider(&mut not_entered).expect_find_setup().once().returning(|id| Ok(Some(awaits_card(id))));
    assert_eq!(not_entered.service().finish_card_late(CODE, "cookie of it", "form of it").await, Ok(None));
    let mut not_begun = late(Link { card_setup: None, ..expired.clone() });
    provider(&mut not_begun);
    assert_eq!(not_begun.service().finish_card_late(CODE, "cookie of it", "form of it").await, Ok(None));
    // Another link's card was first: this one is not left at the provider.
    let mut revoked = late(revoked(expired));
    keeping(&mut revoked, vec![None, Some(card(2))]);
    provider(&mut revoked).expect_find_setup().once().returning(|_| Ok(Some(succeeded())));
    sent_away(&mut revoked);
    assert_eq!(revoked.service().finish_card_late(CODE, "cookie of it", "form of it").await, Ok(None));
}

#[tokio::test]
async fn a_card_that_cannot_be_saved_is_not_reported_as_saved() {
    let error = StoreError::Unavailable("down".into());
    let mut world = entered(link_with(Some("seti_1")), vec![None; 2]);
    let refused = SaveError::Store(error.clone());
    world.customers.expect_save().once().return_once(move |_, _| Err(refused));
    assert_eq!(step(world).await, Err(Failure::Store(error)));
}

#[test]
fn a_step_shows_no_secret_when_it_is_logged() {
    let enter = CardStep::Enter { client_secret: "hidden".to_owned(), refusal: Some("card_declined".to_owned()) };
    assert_eq!(format!("{enter:?}"), "Enter { refusal: Some(\"card_declined\"), .. }");
    let others = [CardStep::NotOffered, CardStep::Processing, CardStep::Saved(card(1))];
    assert_eq!(format!("{others:?}"), "[NotOffered, Processing, Saved(Card(redacted))]");
}
