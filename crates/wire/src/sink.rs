//! Writing shapes: what a response's members are handed to, whichever encoding they leave in.

use std::collections::BTreeMap;

use crate::shapes::{ListName, MapName};

/// The members of one structure, in the order in which they are written. Lists and maps are written even when
/// they are empty (Query has no way to show an empty one); whoever wants them absent does not call.
pub(crate) trait Sink: Sized {
    fn string(&mut self, name: &'static str, value: &str);
    fn integer(&mut self, name: &'static str, value: i64);
    fn boolean(&mut self, name: &'static str, value: bool);
    /// Bytes, which both encodings carry as base64.
    fn blob(&mut self, name: &'static str, value: &[u8]);
    fn strings(&mut self, name: &ListName, values: &[String]);
    fn string_map(&mut self, name: &MapName, values: &BTreeMap<String, String>);
    fn structures<T>(&mut self, name: &ListName, values: &[T], write: impl Fn(&T, &mut Self));
    fn structure_map<T>(
        &mut self,
        name: &MapName,
        values: &BTreeMap<String, T>,
        write: impl Fn(&T, &mut Self),
    );

    /// Called for members that are absent. Only one encoding has a way to show it.
    fn absent(&mut self, _name: &'static str) {}
    /// See [`Self::absent`].
    fn absent_list(&mut self, _name: &ListName) {}
    /// See [`Self::absent`].
    fn absent_map(&mut self, _name: &MapName) {}

    fn optional_string(&mut self, name: &'static str, value: Option<&str>) {
        match value {
            Some(value) => self.string(name, value),
            None => self.absent(name),
        }
    }

    fn optional_integer(&mut self, name: &'static str, value: Option<i64>) {
        match value {
            Some(value) => self.integer(name, value),
            None => self.absent(name),
        }
    }

    fn optional_blob(&mut self, name: &'static str, value: Option<&[u8]>) {
        match value {
            Some(value) => self.blob(name, value),
            None => self.absent(name),
        }
    }

    /// A list that is absent when it is empty.
    fn present_strings(&mut self, name: &ListName, values: &[String]) {
        if values.is_empty() { self.absent_list(name) } else { self.strings(name, values) }
    }

    /// A list that is absent when it is empty.
    fn present_structures<T>(&mut self, name: &ListName, values: &[T], write: impl Fn(&T, &mut Self)) {
        if values.is_empty() { self.absent_list(name) } else { self.structures(name, values, write) }
    }

    /// A map that is absent when it is empty.
    fn present_string_map(&mut self, name: &MapName, values: &BTreeMap<String, String>) {
        if values.is_empty() { self.absent_map(name) } else { self.string_map(name, values) }
    }

    /// A map that is absent when it is empty.
    fn present_structure_map<T>(
        &mut self,
        name: &MapName,
        values: &BTreeMap<String, T>,
        write: impl Fn(&T, &mut Self),
    ) {
        if values.is_empty() { self.absent_map(name) } else { self.structure_map(name, values, write) }
    }
}
