//! Which of the languages a person reads, by the header `Accept-Language` (RFC 9110, RFC 4647).

/// The place, among `available`, of the language that the header's values prefer; the first where they prefer none.
///
/// A language is meant by a range that is its tag or begins with it ("fr-CA" means "fr"), and by `*` where no other range
/// names it. Of equal weights the first named wins.
pub(super) fn choose<'a>(accepted: impl Iterator<Item = &'a str>, available: &[&str]) -> usize {
    let mut ranges: Vec<(&str, f32)> = accepted.flat_map(|value| value.split(',')).filter_map(range).collect();
    ranges.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let refused = |tag: &str| ranges.iter().any(|(range, weight)| *weight <= 0.0 && range.eq_ignore_ascii_case(tag));
    let wanted = ranges.iter().filter(|(_, weight)| *weight > 0.0).find_map(|(range, _)| {
        let named = |tag: &str| ranges.iter().any(|(range, _)| means(range, tag));
        available.iter().position(|tag| !refused(tag) && (means(range, tag) || *range == "*" && !named(tag)))
    });
    wanted.unwrap_or(0)
}

/// A range with its weight; none where it is no range.
fn range(entry: &str) -> Option<(&str, f32)> {
    let mut parts = entry.split(';').map(str::trim);
    let range = parts.next().filter(|range| !range.is_empty())?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight: f32 = weight.map_or(Ok(1.0), str::parse).ok()?;
    (0.0..=1.0).contains(&weight).then_some((range, weight))
}

fn means(range: &str, tag: &str) -> bool {
    let begins = range.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    begins && matches!(range.as_bytes().get(tag.len()), None | Some(b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(header: &str) -> &'static str {
        const AVAILABLE: [&str; 4] = ["en", "fr", "es", "de"];
        AVAILABLE[choose([header].into_iter(), &AVAILABLE)]
    }

    #[test]
    fn the_language_is_the_one_that_the_person_likes_most_of_those_that_there_are() {
        for (header, language) in [
            ("fr", "fr"),
            ("fr-CA, en;q=0.8", "fr"),
            ("FR-ca", "fr"),
            ("it, de;q=0.5, fr;q=0.7", "fr"),
            ("en;q=0.2, es", "es"),
            ("de-AT-1996", "de"),
            ("de;q=0.7, es;q=0.7", "de"),
            ("frr", "en"),
        ] {
            assert_eq!(chosen(header), language, "{header}");
        }
    }

    #[test]
    fn a_person_who_likes_none_of_them_or_any_gets_the_first_that_he_does_not_refuse() {
        for (header, language) in [
            ("", "en"),
            ("*", "en"),
            ("it", "en"),
            ("en;q=0, *", "fr"),
            ("en;q=0.1, *;q=0.5", "fr"),
            ("fr;q=2, de;q=x, es;q=0.1", "es"),
            (";;, ,", "en"),
        ] {
            assert_eq!(chosen(header), language, "{header}");
        }
    }
}
