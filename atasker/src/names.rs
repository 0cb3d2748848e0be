//! What things are called that were given no name.

use std::any::type_name;

/// The own name of a fn or type, without the path to it; a closure's type name, which has no own one.
///
/// A slice of a name that the compiler made: no allocation.
pub(crate) fn own_name<T: ?Sized>() -> &'static str {
    let full = type_name::<T>();
    if full.contains("{{closure}}") {
        return full;
    }
    // Only up to the parameters: `Poller<a::b::Meter>` is `Poller<..>`.
    let path = full.find('<').map_or(full, |parameters| &full[..parameters]);
    path.rfind("::").map_or(full, |separator| &full[separator + 2..])
}

#[cfg(test)]
mod tests {
    use super::own_name;

    fn a_function() {}

    fn name_of<F>(_: F) -> &'static str {
        own_name::<F>()
    }

    #[test]
    fn own_names_have_no_path() {
        assert_eq!(own_name::<String>(), "String");
        assert_eq!(own_name::<Vec<std::time::Duration>>(), "Vec<core::time::Duration>");
        assert_eq!(name_of(a_function), "a_function");
        assert!(name_of(|| ()).ends_with("own_names_have_no_path::{{closure}}"));
    }
}
