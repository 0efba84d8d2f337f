//! Migrations are embedded: without this, a new one would not be seen until something else changed. And a build that
//! does not read this repository's `.cargo/config.toml` would get an SQLite that cannot scrub.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
    println!("cargo:rerun-if-env-changed=LIBSQLITE3_FLAGS");
    let flags = std::env::var("LIBSQLITE3_FLAGS").unwrap_or_default();
    if !flags.contains("SQLITE_ENABLE_DBPAGE_VTAB") {
        println!("cargo:error=LIBSQLITE3_FLAGS must hold -DSQLITE_ENABLE_DBPAGE_VTAB, as .cargo/config.toml says");
    }
}
