//! The one trait that every product's connector implements, and the words it speaks in.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::SiteError;
use crate::product::Product;

/// One Atlassian instance, with our credentials.
///
/// Calls are not repeated inside a connector, except for a look that tells one refusal from another. User
/// and group names compare without case, as the products do it.
#[async_trait]
pub trait Site: Send + Sync + Debug {
    /// What the product can be asked for at all.
    fn capabilities(&self) -> Capabilities;

    /// What is installed there.
    async fn server_info(&self) -> Result<ServerInfo, SiteError>;

    /// The account whose credentials we use.
    async fn own_account(&self) -> Result<Account, SiteError>;

    /// Whether that account may administer users and groups.
    async fn may_administer(&self) -> Result<bool, SiteError>;

    /// The user directories that the site has, as far as it tells. [`SiteError::NotPossible`] where it tells none.
    async fn directories(&self) -> Result<Vec<SiteDirectory>, SiteError> {
        Err(SiteError::NotPossible(
            "the product's REST API shows no user directories; accounts are made in the first one that can be written"
                .to_owned(),
        ))
    }

    /// The account that matches exactly. [`SiteError::Ambiguous`] when an e-mail address has several.
    async fn find_account(&self, by: &AccountQuery) -> Result<Option<Account>, SiteError>;

    /// Names of the groups that carry the product's administration, where the site tells them; elsewhere
    /// [`Product::admin_groups`] has them.
    async fn admin_groups(&self) -> Result<Vec<String>, SiteError> {
        let fixed = self.capabilities().product.admin_groups().unwrap_or_default();
        Ok(fixed.iter().map(|&name| name.to_owned()).collect())
    }

    /// Names of all groups of an account; `None` when the account is gone.
    async fn account_groups(&self, account: &AccountRef) -> Result<Option<Vec<String>>, SiteError>;

    /// Makes an account, active and without a password that anybody knows. The site sends no mail.
    /// [`SiteError::AlreadyExists`] when the user name is taken.
    async fn create_account(&self, new: &NewAccount) -> Result<Account, SiteError>;

    /// Changes the given fields, and answers with the account as it is afterwards.
    ///
    /// A change of `active` is read back: [`SiteError::NotPossible`] when the site accepted and ignored it. Where
    /// deactivating is [`Capability::Otherwise`], what the account holds by itself is taken away; its groups are
    /// the caller's business.
    /// [`SiteError::AlreadyExists`] when a new user name is taken.
    async fn update_account(
        &self,
        account: &AccountRef,
        update: &AccountUpdate,
    ) -> Result<Account, SiteError>;

    /// Deletes an account; one that is gone already is no error.
    async fn delete_account(&self, account: &AccountRef) -> Result<(), SiteError>;

    /// The group of that name, spelled as the site spells it.
    async fn find_group(&self, name: &str) -> Result<Option<SiteGroup>, SiteError>;

    /// Makes a group. [`SiteError::AlreadyExists`] when it is there.
    async fn create_group(&self, name: &str) -> Result<(), SiteError>;

    /// Deletes a group; one that is gone already is no error.
    async fn delete_group(&self, name: &str) -> Result<(), SiteError>;

    /// Puts an account into a group; one that is in it already is no error. [`SiteError::NotFound`] when the
    /// account or the group is not there.
    async fn add_member(&self, group: &str, account: &AccountRef) -> Result<(), SiteError>;

    /// Takes an account out of a group; one that is not in it, or is gone, is no error.
    /// [`SiteError::NotFound`] when the group is not there.
    async fn remove_member(&self, group: &str, account: &AccountRef) -> Result<(), SiteError>;

    /// What the account leads and must not lead when it is deactivated or deleted; nothing where
    /// [`Capabilities::has_leads`] is false. `thorough` asks in the way that is sure, with a call for each project.
    async fn led_by(&self, _account: &AccountRef, _thorough: bool) -> Result<Vec<Led>, SiteError> {
        Ok(Vec::new())
    }

    /// Makes the account of that user name the lead. [`SiteError::NotFound`] when what is to be led is gone.
    async fn set_lead(&self, _led: &Led, _username: &str) -> Result<(), SiteError> {
        Err(SiteError::NotPossible("the product has no leads".to_owned()))
    }

    /// One page of a group's members, inactive ones too. [`SiteError::NotFound`] when there is no such group.
    async fn list_members(&self, group: &str, page: PageStart) -> Result<Page<Account>, SiteError>;

    /// One page of all groups.
    async fn list_groups(&self, page: PageStart) -> Result<Page<SiteGroup>, SiteError>;

    /// One page of all accounts, inactive ones too, without their groups.
    async fn list_accounts(&self, page: PageStart) -> Result<Page<Account>, SiteError>;
}

/// An account as the site shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What identifies it for ever, also after it is renamed.
    pub key: String,
    /// What the person logs in with.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// E-mail address; `None` when there is none or the site hides it.
    pub email: Option<String>,
    /// Whether the person can log in.
    pub active: bool,
    /// Names of all its groups; `None` when the call did not show them.
    pub groups: Option<Vec<String>>,
}

/// Something that an account leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Led {
    /// A project, by its key.
    Project {
        /// Its key, such as `DEMO`.
        key: String,
    },
    /// A component of a project.
    Component {
        /// What identifies it.
        id: String,
        /// Its name.
        name: String,
        /// The key of its project, where the site tells it.
        project: Option<String>,
    },
}

/// A user directory of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteDirectory {
    /// Its name, or what identifies it where it has none.
    pub name: String,
    /// Whether accounts are made in it; `None` when the site does not tell.
    pub takes_accounts: Option<bool>,
}

/// Names one account in a call. Some calls of some products take the key, others the user name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRef {
    /// See [`Account::key`].
    pub key: String,
    /// The user name as last known.
    pub username: String,
}

impl AccountRef {
    /// The reference to an account that was read.
    pub fn of(account: &Account) -> Self {
        Self { key: account.key.clone(), username: account.username.clone() }
    }
}

/// What to find an account by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountQuery {
    /// An account that was seen before, by its key. Where the product cannot be asked for a key, the user name says
    /// where to look, and the key whether it is the same account.
    Known(AccountRef),
    /// The user name, in any case.
    Username(String),
    /// The e-mail address, in any case.
    Email(String),
}

/// An account to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// See [`Account::username`].
    pub username: String,
    /// See [`Account::display_name`].
    pub display_name: String,
    /// See [`Account::email`]. Most products refuse an account without one.
    pub email: Option<String>,
}

/// Fields to be changed; `None` leaves the field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountUpdate {
    /// A new user name.
    pub username: Option<String>,
    /// A new name for people.
    pub display_name: Option<String>,
    /// A new e-mail address.
    pub email: Option<String>,
    /// Reactivate or deactivate.
    pub active: Option<bool>,
}

/// A group at the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteGroup {
    /// Its name, spelled as the site spells it.
    pub name: String,
}

/// Where a page starts: at the beginning, or where the page before said. Opaque to callers, and may be
/// stored between two calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageStart(Option<String>);

impl PageStart {
    /// The first page.
    pub const FIRST: Self = Self(None);

    /// The page at an offset, for products that count.
    pub(crate) fn at_offset(offset: usize) -> Self {
        Self(Some(offset.to_string()))
    }

    /// The offset; [`SiteError::Protocol`] for a start that another product made.
    pub(crate) fn offset(&self) -> Result<usize, SiteError> {
        match self.0.as_deref() {
            None => Ok(0),
            Some(text) => text.parse().map_err(|_| SiteError::Protocol {
                detail: "the page start is not of this product".to_owned(),
            }),
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it, possibly nothing.
    pub items: Vec<T>,
    /// Where the next page starts; `None` after the last.
    pub next: Option<PageStart>,
}

/// What is installed at a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// The product.
    pub product: Product,
    /// Its version: `10.3.1`; `None` when it tells none.
    pub version: Option<String>,
    /// The name that its admins gave it.
    pub title: Option<String>,
    /// The address that it takes for its own.
    pub base_url: Option<String>,
}

/// What a product can be asked for at all. A site's version or directory may still refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The product.
    pub product: Product,
    /// Whether accounts lead projects or components.
    pub has_leads: bool,
    /// Whether the site may show for a while what was before a write, so that what it shows proves little.
    pub shows_the_past: bool,
    /// Whether an account that is deactivated is sure to keep its groups.
    pub inactive_keep_groups: bool,
    /// See accounts' e-mail addresses.
    pub see_email: Capability,
    /// Find accounts by their e-mail addresses. Where that is done otherwise, it costs many calls.
    pub find_by_email: Capability,
    /// Make an account.
    pub create_account: Capability,
    /// Change an account's user name.
    pub rename_account: Capability,
    /// Change an account's name for people and its e-mail address.
    pub change_profile: Capability,
    /// Deactivate and reactivate an account.
    pub deactivate_account: Capability,
    /// Delete an account.
    pub delete_account: Capability,
    /// Make a group.
    pub create_group: Capability,
    /// Change a group's name.
    pub rename_group: Capability,
    /// Delete a group.
    pub delete_group: Capability,
}

impl Capabilities {
    /// Each with what it is, in a few words.
    pub fn all(&self) -> [(&'static str, Capability); 10] {
        [
            ("seeing e-mail addresses", self.see_email),
            ("finding accounts by e-mail address", self.find_by_email),
            ("making accounts", self.create_account),
            ("changing user names", self.rename_account),
            ("changing names and addresses", self.change_profile),
            ("deactivating accounts", self.deactivate_account),
            ("deleting accounts", self.delete_account),
            ("making groups", self.create_group),
            ("renaming groups", self.rename_group),
            ("deleting groups", self.delete_group),
        ]
    }
}

/// Whether something can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// It can.
    Supported,
    /// It is done in another way, and which, in words for an admin.
    Otherwise(&'static str),
    /// It cannot, and why, in words for an admin.
    NotPossible(&'static str),
}

impl Capability {
    /// Why it cannot; `None` when it can.
    pub fn obstacle(self) -> Option<&'static str> {
        match self {
            Self::Supported | Self::Otherwise(_) => None,
            Self::NotPossible(reason) => Some(reason),
        }
    }
}
