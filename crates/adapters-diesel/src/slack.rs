//! The unused part of a page of SQLite's file, which may hold copies of rows that lay there once.
//!
//! `PRAGMA secure_delete` overwrites what a statement removes. When SQLite spreads the rows of a full or an empty page
//! over its neighbours, it writes such a page anew and leaves the bytes between the list of rows and the rows as they
//! were: a row that lies in the next page by now, and is removed from that one later, can still be read there.

/// Where the file's header ends, in front of the first page's own.
const FILE_HEADER: usize = 100;

/// The page with nothing in its unused part; `None` where there is nothing, or it is no page of rows. `number` counts the
/// pages from 1. The form of a page is described in SQLite's file format, 1.6.
///
/// Pages of other kinds begin with the number of another page, which is below [`TOO_MANY_PAGES`], so that their first
/// byte is none of those that pages of rows begin with.
pub(crate) fn cleaned(number: i64, page: &[u8]) -> Option<Vec<u8>> {
    let header = if number == 1 { FILE_HEADER } else { 0 };
    let header_length = match page.get(header)? {
        0x02 | 0x05 => 12,
        0x0a | 0x0d => 8,
        _ => return None,
    };
    let number_at = |place: usize| Some(usize::from(u16::from_be_bytes(page.get(place..place + 2)?.try_into().ok()?)));
    let rows = number_at(header + 3)?;
    // 65,536 does not fit, and is written as 0.
    let first_row = Some(number_at(header + 5)?).filter(|place| *place > 0).unwrap_or(0x1_0000);
    let end_of_list = header + header_length + 2 * rows;
    let slack = page.get(end_of_list..first_row)?;
    if slack.iter().all(|byte| *byte == 0) {
        return None;
    }
    let mut cleaned = page.to_vec();
    cleaned.get_mut(end_of_list..first_row)?.fill(0);
    Some(cleaned)
}

/// From so many pages on, the first byte of a page's number is one that a page of rows begins with: a file of 128 GiB.
pub(crate) const TOO_MANY_PAGES: i64 = 0x0200_0000;

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of 64 bytes with two rows, whose unused part begins at `slack`.
    fn page(kind: u8, header: usize, slack: usize, stale: u8) -> Vec<u8> {
        let mut page = vec![0xee; 64 + header];
        page[header] = kind;
        page[header + 3..header + 5].copy_from_slice(&[0, 2]);
        let first_row = u16::try_from(header + 40).unwrap();
        page[header + 5..header + 7].copy_from_slice(&first_row.to_be_bytes());
        page[header + slack..header + 40].fill(stale);
        page
    }

    #[test]
    fn what_lies_between_the_list_of_rows_and_the_rows_is_taken_out_and_nothing_else() {
        for (kind, slack) in [(0x02, 16), (0x05, 16), (0x0a, 12), (0x0d, 12)] {
            for (number, header) in [(1, FILE_HEADER), (2, 0)] {
                let clean = page(kind, header, slack, 0);
                assert_eq!(cleaned(number, &page(kind, header, slack, 7)), Some(clean.clone()));
                assert_eq!(cleaned(number, &clean), None, "there is nothing to do");
            }
        }
    }

    #[test]
    fn what_is_no_page_of_rows_is_left_alone() {
        let mut too_many_rows = page(0x0d, 0, 12, 7);
        too_many_rows[3..5].fill(0xff);
        for page in [page(0x00, 0, 12, 7), page(0x01, 0, 12, 7), vec![0x0d], Vec::new(), vec![0; 64], too_many_rows] {
            assert_eq!(cleaned(2, &page), None);
        }
    }

    #[test]
    fn a_page_without_rows_ends_where_its_rows_would_begin() {
        let mut page = vec![7; 0x1_0000];
        page[..8].copy_from_slice(&[0x0d, 0, 0, 0, 0, 0, 0, 0]);
        let cleaned = cleaned(2, &page).unwrap();
        assert!(cleaned[1..].iter().all(|byte| *byte == 0));
    }
}
