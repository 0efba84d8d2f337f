//! Tests of the pages as a browser meets them, on mocked ports.

mod address_form;
mod card_form;
mod every_page;
mod world;
