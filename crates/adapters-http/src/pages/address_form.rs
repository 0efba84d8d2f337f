//! The form of an address: shown, filled in for another country, saved.

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use domain::{
    Address, AddressField, AddressFormat, AddressInput, AddressPurpose, AddressRegion, CountryCode, FieldCode,
    FieldError, contains_card_number,
};
use use_cases::{LinkState, OpenLink, Service};

use super::link::FormPlace;
use super::texts::{Texts, fill};
use super::visit::Visit;
use crate::body::Form;
use crate::problem::{Code, Problem};

/// The parameter of the country; those of the other fields are named after them.
const COUNTRY: &str = "country";

/// What stands in the fields.
struct Entry {
    country: CountryCode,
    /// In the order of [`AddressField::ALL`].
    texts: [String; AddressField::ALL.len()],
}

/// What the page says besides the form.
#[derive(Default)]
struct Notes {
    saved: bool,
    /// Something that went wrong on our side.
    alert: Option<String>,
    /// What is wrong with the fields.
    errors: Vec<FieldError>,
}

#[derive(Template)]
#[template(path = "address_form.html")]
struct Page<'a> {
    visit: &'a Visit<'a>,
    title: &'a str,
    text: &'a str,
    code: &'a str,
    token: &'a str,
    purpose: &'static str,
    country: CountryCode,
    country_error: Option<&'a str>,
    rows: Vec<Vec<Field<'a>>>,
    /// The fields that addresses of the country do not have.
    unused: Vec<Field<'a>>,
    can_copy_shipping: bool,
    saved: bool,
    alert: Option<&'a str>,
    errors: Vec<(&'a str, &'a str)>,
}

/// A field as the page shows it.
struct Field<'a> {
    name: &'static str,
    label: &'a str,
    text: &'a str,
    is_required: bool,
    error: Option<&'a str>,
    /// The one that the page is opened at.
    has_focus: bool,
    hint: Option<String>,
    autocomplete: String,
    is_numeric: bool,
    most: usize,
    regions: &'static [AddressRegion],
}

/// The form with what is stored.
pub(super) fn show(place: &FormPlace, open: &OpenLink, purpose: AddressPurpose, saved: bool) -> HttpResponse {
    let stored = open.addresses.get(purpose);
    let entry = match stored {
        Some(address) => Entry::of(address),
        None => Entry { country: open.customer.country_code(), texts: Default::default() },
    };
    let notes = Notes { saved: saved && stored.is_some(), ..Notes::default() };
    render(place, purpose, Some(open), &entry, &notes, HttpResponse::Ok())
}

/// What the person did with the form.
pub(super) async fn submit(
    service: &Service,
    place: &FormPlace<'_>,
    open: &OpenLink,
    purpose: AddressPurpose,
    form: &Form,
) -> Result<HttpResponse, Problem> {
    let country = CountryCode::parse(form.text(COUNTRY)).ok();
    let entry = Entry::read(form, country.unwrap_or_else(|| open.customer.country_code()));
    let address = match (form.text("action"), &open.addresses.shipping) {
        ("country", _) => return Ok(render(place, purpose, Some(open), &entry, &Notes::default(), HttpResponse::Ok())),
        ("copy_shipping", Some(shipping)) if purpose == AddressPurpose::Billing => {
            return save(service, place, purpose, form, shipping.clone()).await;
        }
        _ => Address::parse(entry.input()),
    };
    let address = match (address, country) {
        (Ok(address), Some(_)) => address,
        (result, country) => {
            let unchosen = FieldError::new(COUNTRY, FieldCode::Invalid, "must be the code of a country");
            let errors = country.is_none().then_some(unchosen).into_iter().chain(result.err().into_iter().flatten());
            let notes = Notes { errors: errors.collect(), ..Notes::default() };
            return Ok(render(place, purpose, Some(open), &entry, &notes, HttpResponse::UnprocessableEntity()));
        }
    };
    save(service, place, purpose, form, address).await
}

async fn save(
    service: &Service,
    place: &FormPlace<'_>,
    purpose: AddressPurpose,
    form: &Form,
    address: Address,
) -> Result<HttpResponse, Problem> {
    match service.save_address_by_link(place.code, address).await {
        Ok(LinkState::Live(())) => Ok(place.visit.redirect(&format!("/l/{}?saved", place.code))),
        Ok(LinkState::Gone) => Ok(place.visit.gone()),
        Ok(LinkState::Unknown) => Ok(place.visit.unknown()),
        Err(failure) => give_back(place, purpose, form, Problem::from(failure)),
    }
}

/// The form with what was typed, where it could not be saved through no fault of the person's.
pub(super) fn give_back(
    place: &FormPlace,
    purpose: AddressPurpose,
    form: &Form,
    problem: Problem,
) -> Result<HttpResponse, Problem> {
    let (Code::Unavailable, Ok(country)) = (problem.code, CountryCode::parse(form.text(COUNTRY))) else {
        return Err(problem);
    };
    let alert = Some(place.visit.texts.catalogue.address.unavailable.clone());
    let (entry, notes) = (Entry::read(form, country), Notes { alert, ..Notes::default() });
    let mut response = render(place, purpose, None, &entry, &notes, HttpResponse::ServiceUnavailable());
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

fn render(
    place: &FormPlace,
    purpose: AddressPurpose,
    open: Option<&OpenLink>,
    entry: &Entry,
    notes: &Notes,
    response: HttpResponseBuilder,
) -> HttpResponse {
    let visit = &place.visit;
    let texts = &visit.texts.catalogue.address;
    let (title, text) = match purpose {
        AddressPurpose::Billing => (&texts.billing_title, &texts.billing_text),
        AddressPurpose::Shipping => (&texts.shipping_title, &texts.shipping_text),
    };
    let format = AddressFormat::of(entry.country);
    let mut errors: Vec<(&str, String)> =
        notes.errors.iter().map(|error| (&*error.field, error_text(visit.texts, entry, error))).collect();
    // As the fields stand on the page, the country before all.
    let place_of = |name: &str| format.rows().iter().flatten().chain(format.unused()).position(|f| f.as_str() == name);
    errors.sort_by_key(|(name, _)| place_of(name));
    let view = FieldView { texts: visit.texts, purpose, format, entry, errors: &errors };
    let shipping = open.and_then(|open| open.addresses.shipping.as_ref());
    let page = Page {
        visit,
        title,
        text,
        code: place.code,
        token: &place.token,
        purpose: purpose.as_str(),
        country: entry.country,
        country_error: view.error(COUNTRY),
        rows: format.rows().iter().map(|row| row.iter().map(|field| view.field(*field)).collect()).collect(),
        unused: format.unused().iter().map(|field| view.field(*field)).collect(),
        can_copy_shipping: purpose == AddressPurpose::Billing && shipping.is_some(),
        saved: notes.saved,
        alert: notes.alert.as_deref(),
        errors: errors.iter().map(|(field, text)| (*field, &**text)).collect(),
    };
    visit.respond(response, &page, None)
}

impl Entry {
    fn of(address: &Address) -> Self {
        let (country, parts) = (address.country(), address.parts());
        let regions = AddressFormat::of(country).regions();
        let texts = AddressField::ALL.map(|field| {
            let text = parts.text(field).unwrap_or_default();
            // Its name says more to people than its key does.
            let region = regions.iter().find(|region| field == AddressField::Region && region.key == text);
            region.map_or(text, |region| region.latin_name.unwrap_or(region.name)).to_owned()
        });
        Self { country, texts }
    }

    fn read(form: &Form, country: CountryCode) -> Self {
        Self { country, texts: AddressField::ALL.map(|field| form.text(field.as_str()).to_owned()) }
    }

    fn text(&self, field: AddressField) -> &str {
        AddressField::ALL.iter().zip(&self.texts).find(|(known, _)| **known == field).map_or("", |(_, text)| text)
    }

    fn input(&self) -> AddressInput {
        let [name, company, line1, line2, postal_code, city, region] = self.texts.clone().map(Some);
        AddressInput { name, company, line1, line2, postal_code, city, region, country: self.country }
    }
}

/// What the fields of a page are made of.
struct FieldView<'a> {
    texts: &'a Texts,
    purpose: AddressPurpose,
    format: &'static AddressFormat,
    entry: &'a Entry,
    errors: &'a [(&'a str, String)],
}

impl<'a> FieldView<'a> {
    fn error(&self, name: &str) -> Option<&'a str> {
        self.errors.iter().find(|(field, _)| *field == name).map(|(_, text)| &**text)
    }

    fn field(&self, field: AddressField) -> Field<'a> {
        let (format, name) = (self.format, field.as_str());
        let is_postal_code = field == AddressField::PostalCode;
        let example = format.postal_code_example().filter(|_| is_postal_code);
        let hint = |example| fill(&self.texts.catalogue.address.postal_code_hint, &[("example", example)]);
        let kind = match field {
            AddressField::Name => "name",
            AddressField::Company => "organization",
            AddressField::Line1 => "address-line1",
            AddressField::Line2 => "address-line2",
            AddressField::PostalCode => "postal-code",
            AddressField::City => "address-level2",
            AddressField::Region => "address-level1",
        };
        Field {
            name,
            label: self.texts.catalogue.labels.of(field, format),
            text: self.entry.text(field),
            is_required: format.is_required(field),
            error: self.error(name),
            has_focus: self.errors.first().is_some_and(|(first, _)| *first == name),
            // What is wrong with a postal code says the same.
            hint: example.filter(|_| self.error(name).is_none()).map(hint),
            autocomplete: format!("{} {kind}", self.purpose.as_str()),
            is_numeric: is_postal_code && format.is_postal_code_numeric(),
            most: longest(field),
            regions: if field == AddressField::Region { format.regions() } else { &[] },
        }
    }
}

fn longest(field: AddressField) -> usize {
    match field {
        AddressField::PostalCode => Address::MAX_POSTAL_CODE_CHARACTERS,
        _ => Address::MAX_CHARACTERS,
    }
}

/// What is wrong with a field, for the person who filled it in.
fn error_text(texts: &Texts, entry: &Entry, error: &FieldError) -> String {
    let (errors, labels) = (&texts.catalogue.errors, &texts.catalogue.labels);
    let Some(field) = AddressField::ALL.into_iter().find(|field| field.as_str() == error.field) else {
        return errors.country.clone();
    };
    let (format, text) = (AddressFormat::of(entry.country), entry.text(field));
    let label = ("label", labels.of(field, format));
    match (error.code, field) {
        (FieldCode::Missing, _) => fill(&errors.missing, &[label]),
        (FieldCode::TooLong, _) => fill(&errors.too_long, &[label, ("most", &longest(field).to_string())]),
        _ if contains_card_number(text) => errors.card_number.clone(),
        (_, AddressField::PostalCode) if format.postal_code_example().is_some() => {
            let example = format.postal_code_example().unwrap_or_default();
            fill(&errors.postal_code, &[label, ("example", example)])
        }
        (_, AddressField::Region) if !format.regions().is_empty() => fill(&errors.region, &[label]),
        _ => fill(&errors.characters, &[label]),
    }
}

impl Page<'_> {
    /// Where the page is opened: at the country, where that is what is wrong first.
    fn is_country_first(&self) -> bool {
        self.errors.first().is_some_and(|(field, _)| *field == COUNTRY)
    }
}
