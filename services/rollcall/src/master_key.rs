//! The master key: from the configuration, or a file that is made beside an embedded database. While it is exchanged there
//! are two, of which the first one seals and signs, and each opens.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use aws_lc_rs::{hkdf, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use store::vault::Vault;
use zeroize::Zeroizing;

use crate::config::Config;

const FILE: &str = "master.key";

/// 32 bytes that seal stored secrets, and the others that open them while they are exchanged.
pub(crate) struct MasterKey {
    first: Zeroizing<[u8; 32]>,
    others: Vec<Zeroizing<[u8; 32]>>,
}

/// A key for one purpose, and those that took its place or that it takes the place of.
pub(crate) struct Derived {
    /// Seals and signs.
    pub(crate) first: Zeroizing<[u8; 32]>,
    /// Only open and check.
    pub(crate) others: Vec<Zeroizing<[u8; 32]>>,
}

impl MasterKey {
    /// The configured key, or the one of the data folder, made on first use when the database is embedded.
    pub(crate) fn of(config: &Config) -> anyhow::Result<Self> {
        if let Some(key) = &config.master_key {
            return Self::parse(key.expose_secret()).context("master_key");
        }
        anyhow::ensure!(config.database.embedded, "master_key: PostgreSQL needs one");
        make_folder(&config.data_dir)?;
        let path = config.data_dir.join(FILE);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => generate(&path)?,
            read => Zeroizing::new(read.with_context(|| format!("reading {}", path.display()))?),
        };
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Reads keys of 32 bytes in base64, with commas between them.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut keys = text.split(',').map(parse_one).collect::<anyhow::Result<Vec<_>>>()?;
        let first = keys.remove(0);
        Ok(Self { first, others: keys })
    }

    /// A vault that seals by the first key, and opens by each.
    pub(crate) fn vault(&self) -> anyhow::Result<Vault> {
        let mut vault = Vault::new(&self.first)?;
        for other in &self.others {
            vault = vault.also_opening(other)?;
        }
        Ok(vault)
    }

    /// Whether it is being exchanged.
    pub(crate) fn is_being_exchanged(&self) -> bool {
        !self.others.is_empty()
    }

    /// A key for another purpose, the same on every replica (RFC 5869); nothing leads back from it.
    pub(crate) fn derive(&self, purpose: &str) -> anyhow::Result<Derived> {
        let others =
            self.others.iter().map(|key| derive(key, purpose)).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Derived { first: derive(&self.first, purpose)?, others })
    }
}

fn parse_one(text: &str) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).context("it is not base64")?);
    let key = <[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| anyhow::anyhow!("it has {} bytes instead of 32", bytes.len()))?;
    Ok(Zeroizing::new(key))
}

fn derive(key: &[u8; 32], purpose: &str) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let mut derived = Zeroizing::new([0_u8; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"rollcall")
        .extract(key)
        .expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
        .and_then(|material| material.fill(derived.as_mut()))
        .map_err(|_| anyhow::anyhow!("no key could be derived"))?;
    Ok(derived)
}

/// Makes the data folder, closed to everyone else.
fn make_folder(folder: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("making the data folder {}", folder.display()))
}

/// Makes a key. The file appears whole or not at all; when another process was faster, its key is taken.
fn generate(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let mut key = Zeroizing::new([0_u8; 32]);
    rand::fill(key.as_mut()).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    let text = Zeroizing::new(STANDARD.encode(key.as_ref()));
    let folder = path.parent().unwrap_or(Path::new("."));
    let context = || format!("writing {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(context)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o600)).with_context(context)?;
    writeln!(file, "{}", text.as_str()).with_context(context)?;
    file.as_file().sync_all().with_context(context)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(text),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            Ok(Zeroizing::new(fs::read_to_string(path).with_context(context)?))
        }
        Err(error) => Err(error.error).with_context(context),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_is_read_back_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let made = generate(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(generate(&path).unwrap().trim(), made.trim(), "the first key stays");
        let read = fs::read_to_string(&path).unwrap();
        assert_eq!(MasterKey::parse(&read).unwrap().first, MasterKey::parse(&made).unwrap().first);
    }

    #[test]
    fn a_key_of_another_length_or_no_base64_is_refused_without_being_shown() {
        let good = STANDARD.encode([7; 32]);
        for text in ["", "c2hvcnQ=", "not base64!", &format!("{good},c2hvcnQ="), &format!("{good},")] {
            let error = format!("{:#}", MasterKey::parse(text).err().unwrap());
            assert!(!error.contains("c2hvcnQ"), "{error}");
        }
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_stay_the_same() {
        let (seven, eight) = (STANDARD.encode([7; 32]), STANDARD.encode([8; 32]));
        let key = MasterKey::parse(&seven).unwrap();
        let other = MasterKey::parse(&eight).unwrap();
        let derived = key.derive("access tokens").unwrap().first;
        assert_eq!(*derived, *key.derive("access tokens").unwrap().first);
        assert_ne!(*derived, *key.derive("something else").unwrap().first);
        assert_ne!(*derived, *other.derive("access tokens").unwrap().first);
        assert_ne!(derived, key.first);
        // While keys are exchanged, each replica takes what the others sign.
        let both = MasterKey::parse(&format!("{eight}, {seven}\n")).unwrap();
        assert!(both.is_being_exchanged() && !key.is_being_exchanged());
        let both = both.derive("access tokens").unwrap();
        assert_eq!(both.first, other.derive("access tokens").unwrap().first);
        assert_eq!(both.others, [derived]);
    }
}
