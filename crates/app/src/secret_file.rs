//! The secret key that is made at first start, in a file beside the SQLite database.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use adapters_system::SecretKey;
use tempfile::NamedTempFile;

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
    match load(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path)?;
            load(path)
        }
        loaded => loaded,
    }
}

/// The key in the file.
///
/// # Errors
/// When the file cannot be read, or holds no key.
pub(crate) fn load(path: &Path) -> io::Result<SecretKey> {
    let text = fs::read_to_string(path)?;
    SecretKey::from_base64(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

/// Writes the whole key into a file of a name that nobody else has, for its owner alone, and then gives it the real
/// name, which fails where that is taken: nobody ever reads half a key, and nobody's key is replaced. The file and its
/// name are on the disk before anything rests on the key.
fn create(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(SecretKey::generate().to_base64().as_bytes())?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(refused) => Err(refused.error),
        Ok(_) => File::open(directory)?.sync_all(),
    }
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
    fn of_many_that_make_it_at_once_all_get_the_same_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = path_beside(&directory.path().join("customers.db"));
        let keys: Vec<String> = std::thread::scope(|scope| {
            let path = &path;
            let make = || scope.spawn(move || load_or_create(path).unwrap().to_base64().to_string());
            let threads: Vec<_> = (0..16).map(|_| make()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
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
