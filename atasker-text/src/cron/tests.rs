//! What expressions mean, and what is said about those that mean nothing.

use proptest::prelude::*;

use super::{Expression, parse};

/// A month that begins with a Sunday.
fn days_of_a_january(text: &str) -> Vec<u32> {
    let days = parse(text).expect("it is right").days(1, 31, 0);
    (1..=31).filter(|day| days >> day & 1 == 1).collect()
}

/// The bits that are set.
fn values(mask: u64) -> Vec<u32> {
    (0..64).filter(|value| mask >> value & 1 == 1).collect()
}

fn refused(text: &str) -> (String, String) {
    let fault = parse(text).expect_err(text);
    (text[fault.at()].to_owned(), fault.to_string())
}

#[test]
fn a_range_of_one_weekday_is_that_day_in_every_spelling() {
    let sundays = days_of_a_january("0 0 * * Sun");
    for range in
        ["Sun-Sun", "sun-SUN", "Sun-0", "Sun-7", "0-Sun", "7-Sun", "0-0", "7-7", "Sun-Sun/2", "+Sun-Sun", "Sun-Sun,Sun"]
    {
        assert_eq!(days_of_a_january(&format!("0 0 * * {range}")), sundays, "{range}");
    }
    assert_eq!(days_of_a_january("0 0 * * Mon-Mon"), days_of_a_january("0 0 * * Mon"));
    assert_eq!(days_of_a_january("0 0 * * 0-7").len(), 31);
    assert_eq!(days_of_a_january("0 0 * * Mon,Sun-Sun"), days_of_a_january("0 0 * * Mon,Sun"));
}

#[test]
fn five_fields_begin_with_the_minute_and_six_with_the_second() {
    let five = parse("5 4 * * *").expect("it is right");
    assert_eq!((values(five.seconds), values(five.minutes), values(five.hours.into())), (vec![0], vec![5], vec![4]));
    let six = parse("6 5 4 * * *").expect("it is right");
    assert_eq!((values(six.seconds), values(six.minutes), values(six.hours.into())), (vec![6], vec![5], vec![4]));
}

#[test]
fn lists_ranges_steps_and_names_are_known() {
    let minutes = |field: &str| values(parse(&format!("{field} * * * *")).expect("it is right").minutes);
    assert_eq!(minutes("*/15"), [0, 15, 30, 45]);
    assert_eq!(minutes("1,5-9/2,30"), [1, 5, 7, 9, 30]);
    assert_eq!(days_of_a_january("0 0 * * Mon-Fri")[..6], [2, 3, 4, 5, 6, 9]);
    assert_eq!(days_of_a_january("0 0 * * sat,SUN")[..4], [1, 7, 8, 14]);
    assert_eq!(days_of_a_january("0 0 * * Fri-Sun")[..4], [1, 6, 7, 8]);
    assert_eq!(days_of_a_january("0 0 * * 7")[..2], [1, 8]);
    assert_eq!(days_of_a_january("0 0 * Jan-Mar 1")[0], 2);
    assert!(days_of_a_january("0 0 * Feb *").is_empty());
}

#[test]
fn last_nearest_and_nth_days_are_known() {
    assert_eq!(days_of_a_january("0 0 L * *"), [31]);
    assert_eq!(days_of_a_january("0 0 LW * *"), [31]);
    assert_eq!(days_of_a_january("0 0 15W * *"), [16], "the 15th is a Sunday");
    assert_eq!(days_of_a_january("0 0 7W * *"), [6], "the 7th is a Saturday");
    assert_eq!(days_of_a_january("0 0 * * Mon#2"), [9]);
    assert_eq!(days_of_a_january("0 0 * * FriL"), [27]);
    assert_eq!(days_of_a_january("0 0 * * 5l"), [27]);
}

#[test]
fn day_of_month_and_day_of_week_are_alternatives_unless_a_plus_binds_them() {
    assert_eq!(days_of_a_january("0 0 13 * Fri"), [6, 13, 20, 27]);
    assert_eq!(days_of_a_january("0 0 1,13 * Fri"), [1, 6, 13, 20, 27]);
    assert_eq!(days_of_a_january("0 0 1,13 * +Fri"), [13]);
    assert_eq!(days_of_a_january("0 0 13 * ?"), [13]);
}

#[test]
fn nicknames_stand_for_expressions() {
    for (name, meaning) in super::NICKNAMES {
        assert_eq!(parse(name), parse(meaning));
        assert_eq!(parse(&format!("  {} ", name.to_uppercase())), parse(meaning));
    }
}

#[test]
fn plain_numbers_make_a_fixed_time() {
    let fixed = |text: &str| parse(text).expect("it is right").fixed;
    assert!(fixed("30 2 * * *") && fixed("0,30 2,14 * * Mon-Fri") && fixed("*/5 30 2 * * *") && fixed("@daily"));
    assert!(!fixed("*/15 2 * * *") && !fixed("0 * * * *") && !fixed("0 9-17 * * *") && !fixed("@hourly"));
}

#[test]
fn an_expression_is_small() {
    assert!(size_of::<Expression>() <= 136, "{} bytes", size_of::<Expression>());
}

#[test]
fn a_fault_is_where_it_was_made_and_names_the_cure() {
    for (text, at, cure) in [
        ("61 * * * *", "61", "`61` in field 1 of 5, the minute: write 0 to 59"),
        ("0 0,24 * * *", "24", "field 2 of 5, the hour: write 0 to 23"),
        ("0 60 * * * *", "60", "field 2 of 6, the minute"),
        ("0 0 0 * *", "0", "field 3 of 5, the day of month: write 1 to 31"),
        ("0 0 32 * *", "32", "the day of month"),
        ("0 0 * 13 *", "13", "field 4 of 5, the month"),
        ("0 0 * * 8", "8", "field 5 of 5, the day of week"),
        ("0 0 * * Mno", "Mno", "did you mean `Mon`?"),
        ("0 0 * * Monday", "Monday", "did you mean `Mon`?"),
        ("0 0 * January *", "January", "did you mean `Jan`?"),
        ("0 Mon * * *", "Mon", "the hour: write 0 to 23"),
        ("0 0 Mon * *", "Mon", "the day of month: write 1 to 31"),
        ("0 0 * Mon *", "Mon", "the month: write 1 to 12"),
        ("0 0 * JanFeb *", "JanFeb", "did you mean `Jan`?"),
        ("0 0 * * L", "L", "write `FriL`"),
        ("0,,5 * * * *", "", "leave out the comma"),
        ("0, * * * *", "", "leave out the comma"),
        ("5/15 * * * *", "5/15", "write `5-59/15`"),
        ("/5 * * * *", "/5", "write `*/5`"),
        ("*/0 * * * *", "*/0", "a step is 1 or more"),
        ("*/90 * * * *", "*/90", "starts anew after 59, so a step is at most 60, or `interval = 90m`"),
        ("0 22-6 * * *", "22-6", "write `22-23,0-6`"),
        ("0 23-5 * * *", "23-5", "write `23,0-5`"),
        ("0 0 * Nov-Feb *", "Nov-Feb", "write `Nov-Dec,Jan-Feb`"),
        ("0 0 * * Fri-Mon", "Fri-Mon", "write `Fri-Sun,Mon`"),
        ("0 0 * * Mon#6", "Mon#6", "`Mon#2` for the second Monday"),
        ("0 0 L,LW * *", "L,LW", "leave one of them out"),
        ("1-2-3 * * * *", "1-2-3", "write 0 to 59"),
        ("a * * * *", "a", "write 0 to 59"),
        ("é * * * *", "é", "write 0 to 59"),
        ("99999999999 * * * *", "99999999999", "write 0 to 59"),
        ("", "", "is empty: write five fields"),
        ("  ", "", "is empty"),
        ("* * *", "* * *", "has 3 fields: write five fields"),
        ("*", "*", "has 1 field: "),
        ("0 0 0 1 1 * 2027", "2027", "years are not known here"),
        ("0 0 30 2 *", "30 2", "never comes, day `30` in month `2`"),
        ("0 0 31 Apr,Jun *", "31 Apr,Jun", "never comes"),
        ("@reboot", "@reboot", "`autostart`"),
        ("@every 5m", "@every 5m", "`interval = 5m`"),
        ("@dayly", "@dayly", "did you mean `@daily`?"),
        ("@now", "@now", "write one of @hourly, "),
        ("TZ=Europe/Prague 0 9 * * *", "TZ=Europe/Prague", "write `tz = \"Europe/Prague\"`"),
    ] {
        let (found, message) = refused(text);
        assert!(found == at && message.contains(cure), "{text:?}: at {found:?}, {message}");
    }
}

/// What a message says to write instead of an item, where it says it of that very item.
fn cure_in(message: &str) -> Option<&str> {
    let behind = |words: &str| message.split_once(words).map(|(_, rest)| rest);
    behind("write `").or_else(|| behind("did you mean `")).and_then(|rest| rest.split('`').next())
}

#[test]
fn every_cure_is_right() {
    let values =
        ["0", "1", "5", "7", "12", "13", "23", "24", "31", "59", "60", "Mon", "fri", "Sun", "Jan", "Dec", "Mno", ""];
    let mut items: Vec<String> = values.iter().flat_map(|a| values.iter().map(move |b| format!("{a}-{b}"))).collect();
    items.extend(values.iter().map(|a| (*a).to_owned()).chain(["*", "L", "LW", "15W", "Fri#2"].map(str::to_owned)));
    let stepped: Vec<String> =
        items.iter().flat_map(|item| ["0", "1", "2", "30", "90"].map(|step| format!("{item}/{step}"))).collect();
    items.extend(stepped);
    for item in &items {
        for field in 0..6 {
            let line = |item: &str| {
                let mut fields = ["0", "0", "0", "*", "*", "*"];
                fields[field] = item;
                fields.join(" ")
            };
            let Err(fault) = parse(&line(item)) else { continue };
            if let Some(cure) = cure_in(&fault.to_string()).filter(|_| !item.is_empty()) {
                let mended = parse(&line(cure));
                assert!(mended.is_ok(), "`{item}` in field {field}: {fault}; `{cure}`: {mended:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "[0-9*/,#LW?+@A-Za-z =é-]{0,30}") {
        // A fault that is slices the text where it says.
        if let Err(fault) = parse(&text) {
            let _: &str = &text[fault.at()];
        }
    }

    #[test]
    fn no_fields_panic(fields in prop::collection::vec("[0-9*/,#LW?+-]{1,6}|Mon|JAN|[0-9]{1,2}|\\*", 5..7)) {
        let text = fields.join(" ");
        if let Ok(expression) = parse(&text) {
            prop_assert!(expression.seconds != 0 && expression.minutes != 0 && expression.hours != 0, "{}", text);
        }
    }
}

#[test]
fn dates_that_come_seldom_are_no_fault() {
    for text in ["0 0 29 2 *", "0 0 29 2 +Mon", "0 0 30 2 Mon", "0 0 31 * *", "0 0 * * Mon#5", "0 0 29W 2 *"] {
        assert!(parse(text).is_ok(), "{text}");
    }
}
