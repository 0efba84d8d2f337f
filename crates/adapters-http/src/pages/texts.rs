//! What the pages say, in every language: one catalogue a language, read once at the start.

use std::io;

use domain::{AddressField, AddressFormat, CityKind, CountryCode, PostalCodeKind, RegionKind};
use serde::Deserialize;

/// The languages, the first of which is the one for people who ask for none of them. Each has two files: its catalogue
/// and the names of the countries.
macro_rules! languages {
    ($($tag:literal),+) => {
        const LANGUAGES: &[(&str, &str, &str)] = &[$((
            $tag,
            include_str!(concat!("../../texts/", $tag, ".toml")),
            include_str!(concat!("../../texts/countries/", $tag, ".txt")),
        )),+];
    };
}

languages!["en", "fr", "es", "de"];

/// A language's texts.
pub(crate) struct Texts {
    /// Its tag (BCP 47).
    pub(super) language: &'static str,
    pub(super) catalogue: Catalogue,
    /// Every country that an address may be in with its name, in the order of a list.
    pub(super) countries: Vec<(CountryCode, &'static str)>,
}

/// A catalogue file. A text that no page uses is one that nobody reads, which the compiler tells.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalogue {
    pub(super) neutral_title: String,
    pub(super) optional: String,
    pub(super) preview: String,
    pub(super) pages: Pages,
    pub(super) address: Address,
    pub(super) labels: Labels,
    pub(super) errors: Errors,
    pub(super) card: Card,
    pub(super) refusals: Refusals,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pages {
    pub(super) unknown: Message,
    pub(super) gone: Message,
    pub(super) forbidden: MessageWithAction,
    pub(super) method: Message,
    pub(super) too_many: Message,
    pub(super) unavailable: Message,
    pub(super) failed: Message,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    pub(super) title: String,
    pub(super) text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageWithAction {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) action: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Address {
    pub(super) billing_title: String,
    pub(super) shipping_title: String,
    pub(super) billing_text: String,
    pub(super) shipping_text: String,
    pub(super) copy_shipping: String,
    pub(super) update_fields: String,
    pub(super) update_hint: String,
    pub(super) save: String,
    pub(super) saving: String,
    pub(super) saved: String,
    pub(super) saved_hint: String,
    pub(super) errors_title: String,
    pub(super) unavailable: String,
    pub(super) postal_code_hint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Labels {
    name: String,
    company: String,
    line1: String,
    line2: String,
    pub(super) country: String,
    postal_code: PostalCodeLabels,
    city: CityLabels,
    region: RegionLabels,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PostalCodeLabels {
    postal: String,
    zip: String,
    pin: String,
    eircode: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CityLabels {
    city: String,
    district: String,
    post_town: String,
    suburb: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionLabels {
    area: String,
    county: String,
    department: String,
    district: String,
    do_si: String,
    emirate: String,
    island: String,
    oblast: String,
    parish: String,
    prefecture: String,
    province: String,
    state: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Errors {
    pub(super) missing: String,
    pub(super) too_long: String,
    pub(super) characters: String,
    pub(super) postal_code: String,
    pub(super) region: String,
    pub(super) country: String,
    pub(super) card_number: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Card {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) provider: String,
    pub(super) test_mode: String,
    pub(super) current: String,
    pub(super) current_hint: String,
    pub(super) ending: String,
    pub(super) label: String,
    pub(super) save: String,
    pub(super) loading: String,
    pub(super) saving: String,
    pub(super) not_offered: String,
    pub(super) no_script: String,
    pub(super) script_failed: String,
    pub(super) retry: String,
    pub(super) unavailable: String,
    pub(super) saved_title: String,
    pub(super) saved: String,
    pub(super) processing_title: String,
    pub(super) processing: String,
    pub(super) look_again: String,
    pub(super) returning_title: String,
    pub(super) returning: String,
    #[serde(rename = "continue")]
    pub(super) go_on: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refusals {
    pub(super) declined: String,
    pub(super) insufficient_funds: String,
    pub(super) expired: String,
    pub(super) number: String,
    pub(super) expiry: String,
    pub(super) security_code: String,
    pub(super) incomplete: String,
    pub(super) authentication: String,
    pub(super) processing: String,
    pub(super) network: String,
    pub(super) other: String,
}

impl Labels {
    /// What a field is called in a country.
    pub(super) fn of(&self, field: AddressField, format: &AddressFormat) -> &str {
        match field {
            AddressField::Name => &self.name,
            AddressField::Company => &self.company,
            AddressField::Line1 => &self.line1,
            AddressField::Line2 => &self.line2,
            AddressField::PostalCode => match format.postal_code_kind() {
                PostalCodeKind::Postal => &self.postal_code.postal,
                PostalCodeKind::Zip => &self.postal_code.zip,
                PostalCodeKind::Pin => &self.postal_code.pin,
                PostalCodeKind::Eircode => &self.postal_code.eircode,
            },
            AddressField::City => match format.city_kind() {
                CityKind::City => &self.city.city,
                CityKind::District => &self.city.district,
                CityKind::PostTown => &self.city.post_town,
                CityKind::Suburb => &self.city.suburb,
            },
            AddressField::Region => match format.region_kind() {
                RegionKind::Area => &self.region.area,
                RegionKind::County => &self.region.county,
                RegionKind::Department => &self.region.department,
                RegionKind::District => &self.region.district,
                RegionKind::DoSi => &self.region.do_si,
                RegionKind::Emirate => &self.region.emirate,
                RegionKind::Island => &self.region.island,
                RegionKind::Oblast => &self.region.oblast,
                RegionKind::Parish => &self.region.parish,
                RegionKind::Prefecture => &self.region.prefecture,
                RegionKind::Province => &self.region.province,
                RegionKind::State => &self.region.state,
            },
        }
    }
}

impl Texts {
    /// Reads the texts of every language.
    ///
    /// # Errors
    /// A file that is no catalogue, which a test rules out.
    pub(super) fn all() -> io::Result<Vec<Self>> {
        LANGUAGES.iter().map(|(tag, catalogue, countries)| Self::read(tag, catalogue, countries)).collect()
    }

    fn read(language: &'static str, catalogue: &str, countries: &'static str) -> io::Result<Self> {
        let catalogue = toml::from_str(catalogue)
            .map_err(|error| io::Error::other(format!("the texts of the language {language}: {error}")))?;
        let mut countries: Vec<_> = countries
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter_map(|(code, name)| Some((CountryCode::parse(code).ok()?, name)))
            .collect();
        countries.sort_by_cached_key(|(_, name)| place_in_a_list(name));
        Ok(Self { language, catalogue, countries })
    }

    /// The name of a country.
    #[cfg(test)]
    fn country(&self, country: CountryCode) -> Option<&'static str> {
        self.countries.iter().find(|(code, _)| *code == country).map(|(_, name)| *name)
    }
}

/// A text with what stands in braces put in.
pub(super) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(before);
        filled.push_str(values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Where a name stands in a list: letters with marks beside those without.
fn place_in_a_list(name: &str) -> String {
    let plain = |letter| match letter {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'ç' => 'c',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        other => other,
    };
    name.to_lowercase().chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a catalogue by their keys.
    fn by_key(catalogue: &str) -> Vec<(String, String)> {
        fn gather(key: &str, value: &toml::Value, texts: &mut Vec<(String, String)>) {
            match value {
                toml::Value::Table(table) => {
                    table.iter().for_each(|(name, value)| gather(&format!("{key}.{name}"), value, texts));
                }
                value => texts.push((key.to_owned(), value.as_str().unwrap().to_owned())),
            }
        }
        let mut texts = Vec::new();
        gather("", &toml::Value::Table(catalogue.parse().unwrap()), &mut texts);
        texts
    }

    /// What stands in braces, in the order of the alphabet.
    fn braced(text: &str) -> Vec<&str> {
        let mut names: Vec<&str> = text.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_language_has_every_text_and_puts_in_the_same() {
        let all = Texts::all().unwrap();
        assert_eq!(all.len(), LANGUAGES.len());
        let english = by_key(LANGUAGES[0].1);
        for (tag, catalogue, _) in LANGUAGES {
            let texts = by_key(catalogue);
            for ((key, text), (english_key, english)) in texts.iter().zip(&english) {
                assert_eq!(key, english_key, "{tag}");
                assert!(!text.trim().is_empty(), "{tag} {key}");
                assert_eq!(braced(text), braced(english), "{tag} {key}");
            }
        }
    }

    #[test]
    fn a_text_that_is_missing_or_unknown_is_an_error() {
        let (tag, catalogue, countries) = LANGUAGES[0];
        let missing = catalogue.replace("optional =", "# ");
        assert!(Texts::read(tag, &missing, countries).is_err());
        let error = Texts::read(tag, &format!("{catalogue}\nsurplus = \"\"\n"), countries).err().unwrap();
        assert!(error.to_string().contains("surplus"), "{error}");
    }

    #[test]
    fn every_country_of_which_addresses_are_known_has_a_name_in_every_language() {
        for texts in Texts::all().unwrap() {
            for country in AddressFormat::countries() {
                assert!(texts.country(country).is_some(), "{} {}", texts.language, country.as_str());
            }
        }
    }

    #[test]
    fn countries_stand_as_people_look_for_them() {
        let all = Texts::all().unwrap();
        let place = |language: usize, code: &str| {
            all[language].countries.iter().position(|(country, _)| country.as_str() == code).unwrap()
        };
        let (english, french, german) = (0, 1, 3);
        assert!(place(english, "AX") < place(english, "AL"), "Åland Islands before Albania");
        assert!(place(french, "US") < place(french, "FI"), "États-Unis before Finlande");
        assert!(place(german, "AT") < place(german, "PL"), "Österreich before Polen");
    }

    #[test]
    fn what_stands_in_braces_is_put_in_once_and_not_looked_at_again() {
        assert_eq!(fill("{a}, {b}!", &[("a", "{b}"), ("b", "<2>")]), "{b}, <2>!");
        assert_eq!(fill("{unknown}", &[]), "");
        assert_eq!(fill("plain", &[]), "plain");
    }
}
