//! Migrations are embedded: without this, a new one would not be seen until something else changed.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
