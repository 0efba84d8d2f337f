//! What callers write is a value only once its constructor has read it.

use domain::{PersonName, PhoneNumber};

fn main() {
    PhoneNumber("+14185810827".to_owned());
    PersonName(" ".to_owned());
}
