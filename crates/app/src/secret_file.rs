//! The secret key that is made at first start, in a file beside the SQLite database.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use adapters_system::SecretKey;

/// Where the secret key of a SQLite database is kept.
pub(crate) fn path_beside(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".key");
    path.into()
}

/// The key in the file; a fresh one, put there for its owner alone, when there is no file yet. Of several processes
/// that make it at once, all return the key of the one whose file stands in the end.
///
/// # Errors
/// When the file cannot be made or read, or holds no key.
pub(crate) fn load_or_create(path: &Path) -> io::Result<SecretKey> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path)?;
            read(path)
        }
        read => read,
    }
}

fn read(path: &Path) -> io::Result<SecretKey> {
    let text = fs::read_to_string(path)?;
    SecretKey::from_base64(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

/// Writes the whole key under a name of this process's own and then gives it the real name, which fails where that is
/// taken: nobody ever reads half a key, and nobody's key is replaced.
fn create(path: &Path) -> io::Result<()> {
    let own = path.with_extension(format!("key.{}", std::process::id()));
    let written = write(&own).and_then(|()| match fs::hard_link(&own, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&own);
    written.and(removed)
}

fn write(path: &Path) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(SecretKey::generate().to_base64().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = path_beside(&directory.path().join("customers.db"));
        let first = load_or_create(&path).unwrap().to_base64();
        assert_eq!(load_or_create(&path).unwrap().to_base64(), first);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_file_without_a_key_is_an_error_and_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("customers.db.key");
        fs::write(&path, "no key").unwrap();
        assert!(load_or_create(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "no key");
    }
}
