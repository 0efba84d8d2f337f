//! The form of an address.

use domain::{Addresses, LinkPurpose};

use super::world::{PATH, World, address, get, post};

fn billing() -> World {
    World::new(LinkPurpose::BillingAddress)
}

const GOOD: &str =
    "country=US&name=Yogi&line1=8+Yogi+Berra+Drive&postal_code=07424&city=Little+Falls&region=new+jersey";

#[actix_web::test]
async fn an_empty_form_is_that_of_the_customers_country_with_all_fields() {
    let page = World::new(LinkPurpose::ShippingAddress).answer(get(PATH)).await;
    assert!(page.text.contains("Your shipping address"), "{}", page.text);
    assert!(page.text.contains("<option value=\"CA\" selected>Canada</option>"), "{}", page.text);
    for name in ["name", "company", "line1", "line2", "postal_code", "city", "region", "country"] {
        assert_eq!(page.text.matches(&format!(" name=\"{name}\"")).count(), 1, "{name}");
        assert!(page.text.contains(&format!("<label for=\"{name}\">")), "{name}");
    }
    assert!(page.text.contains("autocomplete=\"shipping postal-code\""), "{}", page.text);
    assert!(page.text.contains(">Province</label>") && !page.text.contains("inputmode"), "{}", page.text);
    assert!(!page.text.contains("Use my shipping address"), "{}", page.text);
}

#[actix_web::test]
async fn what_is_stored_stands_in_the_form_and_cannot_leave_its_place() {
    let world = World { addresses: Addresses { billing: Some(address()), shipping: None }, ..billing() };
    let page = world.answer(get(PATH)).await;
    assert!(page.text.contains("<option value=\"US\" selected>"), "{}", page.text);
    assert!(page.text.contains("value=\"Yogi &#34;Lawrence&#34; &#60;Berra&#62;\""), "{}", page.text);
    assert!(page.text.contains("value=\"New Jersey\""), "by its name: {}", page.text);
    assert!(page.text.contains(">ZIP code</label>") && page.text.contains("inputmode=\"numeric\""), "{}", page.text);
}

#[actix_web::test]
async fn a_good_address_is_saved_and_leads_back_to_the_form() {
    for action in ["", "&action=save", "&action=unheard-of&utm_source=chat"] {
        let saved = billing().answer(post(&format!("{GOOD}{action}"))).await;
        assert_eq!((saved.status, saved.header("location")), (303, Some("/l/abcdefGHIJ12?saved")), "{}", saved.text);
        assert_eq!(saved.header("cache-control"), Some("no-store"));
    }
    let world = World { addresses: Addresses { billing: Some(address()), shipping: None }, ..billing() };
    let page = world.answer(get("/l/abcdefGHIJ12?saved")).await;
    assert!(page.text.contains("role=\"status\"") && page.text.contains("Your address is saved."), "{}", page.text);
    let nothing_stored = billing().answer(get("/l/abcdefGHIJ12?saved")).await;
    assert!(!nothing_stored.text.contains("Your address is saved."));
}

#[actix_web::test]
async fn a_bad_address_comes_back_with_what_is_wrong_beside_each_field() {
    let fields = "country=US&name=%3Cscript%3Ealert(1)%3C%2Fscript%3E&line1=&postal_code=0742&city=X&region=Atlantis\
                  &company=%22+onfocus%3D%22alert(1)";
    let page = billing().answer(post(fields)).await;
    assert_eq!(page.status, 422);
    assert!(!page.text.contains("<script>alert") && !page.text.contains("\" onfocus"), "{}", page.text);
    assert!(page.text.contains("value=\"&#60;script&#62;alert(1)&#60;/script&#62;\""), "{}", page.text);
    for (field, text) in [
        ("line1", "Please fill in “Street and house number”."),
        ("postal_code", "Please check “ZIP code”: it should look like 95014."),
        ("region", "Please choose “State” from the list."),
    ] {
        assert!(page.text.contains(&format!("<a href=\"#{field}\">{text}</a>")), "{field}: {}", page.text);
        assert!(page.text.contains(&format!("<p class=\"error\" id=\"{field}-error\">{text}</p>")), "{field}");
    }
    assert_eq!(page.text.matches("aria-invalid=\"true\"").count(), 3);
    assert!(page.text.contains("aria-describedby=\"postal_code-error\""), "{}", page.text);
    let (before, _) = page.text.split_once(" autofocus").unwrap();
    assert!(before.rsplit_once("<input id=\"").unwrap().1.starts_with("line1\""), "at the first that is wrong");
    assert_eq!(page.text.matches(" autofocus").count(), 1);
}

#[actix_web::test]
async fn a_card_number_a_text_without_end_and_an_unknown_country_are_told_as_what_they_are() {
    let long = "x".repeat(256);
    let fields = format!("country=ZZ&name={long}&line1=4242+4242+4242+4242&city=a%00b&postal_code=G1R+4S9&region=QC");
    let page = billing().answer(post(&fields)).await;
    assert_eq!(page.status, 422);
    for text in [
        "Please choose your country or region.",
        "“Full name” is too long: please use at most 255 characters.",
        "This looks like a card number.",
        "“City” contains characters that we cannot use.",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

#[actix_web::test]
async fn another_country_brings_its_own_fields_and_keeps_what_was_typed() {
    let page = billing().answer(post("action=country&country=DE&name=Ada&region=Qu%C3%A9bec")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("<option value=\"DE\" selected>Germany</option>"), "{}", page.text);
    assert!(page.text.contains("value=\"Ada\"") && page.text.contains("value=\"Québec\""), "{}", page.text);
    assert!(!page.text.contains("aria-invalid"), "nothing is wrong yet");
    let (_, unused) = page.text.split_once("class=\"row unused\"").unwrap();
    assert!(unused.contains("name=\"region\""), "a field that Germany does not use comes last: {}", page.text);
}

#[actix_web::test]
async fn the_shipping_address_is_taken_over_with_one_button() {
    let world = || World { addresses: Addresses { billing: None, shipping: Some(address()) }, ..billing() };
    let page = world().answer(get(PATH)).await;
    assert!(page.text.contains("Use my shipping address"), "{}", page.text);
    let (_, form) = page.text.split_once("<form").unwrap();
    let (_, first) = form.split_once("<button").unwrap();
    assert!(first.split_once('>').unwrap().0.contains("value=\"save\""), "what the key Enter does");
    let copied = world().answer(post("action=copy_shipping&country=US&name=")).await;
    assert_eq!(copied.status, 303, "{}", copied.text);
    let nothing_there = billing().answer(post("action=copy_shipping&country=US&name=")).await;
    assert_eq!(nothing_there.status, 422);
}

#[actix_web::test]
async fn what_was_typed_survives_a_store_that_is_away() {
    let fields = format!("purpose=billing&{GOOD}&line2=%3Cb%3E");
    // Away at once, and away when the address is saved.
    for store_fails_from in [0, 1] {
        let page = World { store_fails_from, ..billing() }.answer(post(&fields)).await;
        assert_eq!((page.status, page.header("retry-after")), (503, Some("1")), "{}", page.text);
        assert!(page.text.contains("role=\"alert\"") && page.text.contains("What you typed is still here"));
        assert!(page.text.contains("value=\"8 Yogi Berra Drive\"") && !page.text.contains("<b>"), "{}", page.text);
    }
    let foreign = post(&fields).insert_header(("sec-fetch-site", "cross-site"));
    let refused = World { store_fails_from: 0, ..billing() }.answer(foreign).await;
    assert_eq!(refused.status, 403);
}
