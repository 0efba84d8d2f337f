//! A running service on a database of its own, with a key to it.

use std::path::{Path, PathBuf};
use std::sync::{Barrier, LazyLock};
