//! What is written and read under its name.

use super::Describe;
use super::catalog::Catalog;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// A trait whose implementors are named in recipes: operations, sources, generators, adapters.
pub trait Kind: Describe + 'static {
    /// Those of this crate.
    fn catalog() -> Catalog<Self>;
}

/// One of a [`Kind`], written and read under its name: `{ rotate = { degrees = 10 } }`, `{ parquet = { path = "data" } }`.
///
/// Read inside of [`Registry::reading`](crate::registry::Registry::reading) it may be one of a program's own; elsewhere those of
/// this crate alone are known.
pub struct Named<T: ?Sized>(Arc<T>);

impl<T: ?Sized> Named<T> {
    /// `one`, which is written under its name.
    pub fn new(one: Arc<T>) -> Self {
        Self(one)
    }

    /// What is named.
    pub fn into_inner(self) -> Arc<T> {
        self.0
    }
}

impl<T: ?Sized> Deref for Named<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> Clone for Named<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Two are equal if their names, versions and fields are.
impl<T: Describe + ?Sized> PartialEq for Named<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.description() == other.0.description()
    }
}

impl<T: Describe + ?Sized> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.description().tagged().fmt(f)
    }
}

impl<T: Describe + ?Sized> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.description().tagged().serialize(to)
    }
}

impl<'de, T: Kind + ?Sized> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let known = known::<T>().unwrap_or_else(T::catalog);
        Ok(Self(Arc::from(known.read(from)?)))
    }
}

thread_local! {
    /// The catalogs, each of its own kind, that count while something is read; the last of a kind counts.
    static KNOWN: RefCell<Vec<(TypeId, Rc<dyn Any>)>> = const { RefCell::new(Vec::new()) };
}

fn known<T: ?Sized + 'static>() -> Option<Catalog<T>> {
    KNOWN.with_borrow(|known| {
        let (_, catalog) = known.iter().rev().find(|(kind, _)| *kind == TypeId::of::<T>())?;
        catalog.downcast_ref::<Catalog<T>>().cloned()
    })
}

/// Runs `read`, in which what `catalog` has is known.
pub(crate) fn reading_with<T: ?Sized + 'static, R>(catalog: &Catalog<T>, read: impl FnOnce() -> R) -> R {
    /// Forgets the catalog, also where reading panics.
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            KNOWN.with_borrow_mut(|known| drop(known.pop()));
        }
    }
    KNOWN.with_borrow_mut(|known| known.push((TypeId::of::<T>(), Rc::new(catalog.clone()))));
    let _forget = Forget;
    read()
}
