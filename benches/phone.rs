//! What reading a phone number costs: parsing, the check of its mode and its region.
//!
//! `cargo bench --package benches --bench phone`

#![expect(clippy::expect_used, reason = "a benchmark says what is wrong by panicking")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::{CountryCode, Phone, PhoneValidation};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

fn region(code: &str) -> CountryCode {
    CountryCode::parse(code).expect("a region")
}

fn benchmarks(criterion: &mut Criterion) {
    one_region(criterion);
    all_regions(criterion);
    worst_inputs(criterion);
}

fn one_region(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one region");
    let canada = region("CA");
    for (name, spelling) in [
        ("national", "(418) 581-0827"),
        ("international", "+1 418 581 0827"),
        ("E.164", "+14185810827"),
        (
            "full-width",
            "\u{FF14}\u{FF11}\u{FF18}\u{FF0D}\u{FF15}\u{FF18}\u{FF11}\u{FF0D}\u{FF10}\u{FF18}\u{FF12}\u{FF17}",
        ),
        ("vanity", "1-800-FLOWERS"),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| Phone::read(black_box(spelling), canada, PhoneValidation::Valid));
        });
    }
}

/// A number of each region in turn, so that nothing of the last is at hand for the next.
fn all_regions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("all regions mixed");
    let mut numbers: Vec<_> = PHONE_NUMBER_UTIL
        .get_supported_regions()
        .filter_map(|region| {
            let number = PHONE_NUMBER_UTIL.get_example_number(region).ok()?;
            let country = CountryCode::parse(&region.as_region_str()).ok()?;
            Some((
                country,
                [PhoneNumberFormat::National, PhoneNumberFormat::E164]
                    .map(|format| number.format_as(format).into_owned()),
            ))
        })
        .collect();
    numbers.sort();
    for (notation, name) in ["national", "E.164"].into_iter().enumerate() {
        for validation in [PhoneValidation::Possible, PhoneValidation::Valid] {
            let mut turns = numbers.iter().cycle();
            group.bench_function(format!("{name}, {}", validation.as_str()), |bencher| {
                bencher.iter(|| {
                    let (country, spellings) = turns.next().expect("a region");
                    Phone::read(black_box(&spellings[notation]), *country, validation)
                });
            });
        }
    }
}

/// The longest inputs that a caller may send, and the costliest that pass the limit of 250 characters.
fn worst_inputs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("worst inputs");
    let cut = |text: &str| text.chars().cycle().take(Phone::MAX_CHARACTERS).collect::<String>();
    for (name, country, spelling) in [
        ("10,000 digits", "US", "1".repeat(10_000)),
        ("10,000 full-width digits", "US", "\u{FF11}".repeat(10_000)),
        ("10,000 spaces", "US", " ".repeat(10_000)),
        ("250 digits", "US", cut("1")),
        ("250 digits with prefixes", "AR", cut("0")),
        ("250 digits of another script", "BR", cut("\u{1D7CE}")),
        ("250 slashes", "US", cut("1 / ")),
        ("250 commas", "US", format!("123{}1", &cut(",")[4..])),
        ("250 slashes with a plus", "US", format!("+123{}1", &cut("/")[5..])),
        ("250 extensions", "US", format!("123{}", &cut(" ext")[3..])),
        ("250 almost extensions", "US", format!("123{}", &cut(" x1")[3..])),
        ("250 hyphens", "US", format!("123{}1", &cut("-")[4..])),
        ("250 labels of a context", "US", format!("1;phone-context={}", &cut("a-")[16..])),
    ] {
        let country = region(country);
        group.bench_function(name, |bencher| {
            bencher.iter(|| Phone::read(black_box(&spelling), country, PhoneValidation::Valid));
        });
    }
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
