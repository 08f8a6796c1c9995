//! Tables and their mappings.

use super::*;

fn problems(text: &str) -> String {
    Mapping::parse(text).expect_err("problems").join("\n")
}

// A mapping that cannot be used says all that is wrong, with its key and what to write instead.
#[test]
fn a_bad_mapping_says_everything() {
    let told = problems(
        "delimiter = \"→\"\n[time]\ncolumn = \"t\"\nformat = \"iso\"\nzone = \"Moon/Sea\"\n[device]\ncolumn = \"a\"\n\
         constant = \"b\"\n[quantity]\nphlogiston = \"x\"\nco = { column = \"CO\", unit = \"stone\" }\n",
    );
    for wanted in [
        "delimiter: must be one ASCII character",
        "time.format: `iso` is neither rfc3339, ms, s nor words",
        "time.zone: `Moon/Sea` is not known here; write an offset",
        "device: needs either `column` or `constant`",
        "quantity.phlogiston: is not a known quantity",
        "quantity.co.unit: co is not accepted in this unit; canonical is mg/m3, also ug/m3",
    ] {
        assert!(told.contains(wanted), "{wanted}:\n{told}");
    }
    let rest = "[device]\nconstant = \"d\"\n[quantity]\nco = \"CO\"\n";
    for (time, wanted) in [
        ("column = \"t\"", "`column` and `format` go together"),
        ("month = \"m\"", "needs `column` and `format`"),
        ("year = \"y\"\ncolumn = \"t\"\nformat = \"ms\"", "not with columns for the parts"),
        ("year = \"y\"", "time.zone: is missing"),
        ("column = \"t\"\nformat = \"ms\"\nzone = \"+08:00\"", "leave the zone out"),
        ("year = \"y\"\ncentury = \"c\"", "unknown field `century`"),
    ] {
        let told = problems(&format!("[time]\n{time}\n{rest}"));
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    assert!(problems("nonsense").contains("nonsense"));
}

// Each way to write a time means what it says.
#[test]
fn times_of_a_table() {
    let of = |time: &str, cells: &[&str]| {
        let mapping = mapping(&format!("[time]\n{time}\n[device]\nconstant = \"d\"\n[quantity]\nco = \"CO\"\n"));
        table::shown(&mapping, cells)
    };
    let column = |format: &str| format!("column = \"t\"\nformat = \"{format}\"");
    let noon = Ok("2026-11-23T12:00:00.000Z".to_owned());
    assert_eq!(of(&column("rfc3339"), &["2026-11-23T20:00:00+08:00"]), noon);
    assert_eq!(of(&column("ms"), &["1795435200000"]), noon);
    assert_eq!(of(&column("s"), &["1795435200.25"]), Ok("2026-11-23T12:00:00.250Z".to_owned()));
    assert_eq!(of(&column("%Y-%m-%d %H:%M %z"), &["2026-11-23 13:30 +0130"]), noon);
    assert_eq!(of(&(column("%d.%m.%Y %H:%M") + "\nzone = \"-05:30\""), &["23.11.2026 06:30"]), noon);
    assert_eq!(
        of(&(column("%Y-%m-%d") + "\nzone = \"+00:00\""), &["2026-11-23"]),
        Ok("2026-11-23T00:00:00.000Z".into())
    );
    let parts = "year = \"y\"\nmonth = \"m\"\nday = \"d\"\nhour = \"h\"\nzone = \"+08:00\"";
    assert_eq!(of(parts, &["2026", "11", "23", "20"]), noon);
    assert_eq!(of("year = \"y\"\nzone = \"+08:00\"", &["2026"]), Ok("2025-12-31T16:00:00.000Z".to_owned()));
    for (time, cells) in [
        (parts, &["2026", "13", "1", "0"][..]),
        (parts, &["2026", "2", "30", "0"]),
        (parts, &["2026", "1", "1", "x"]),
        (parts, &["2026", "1", "1", "300"]),
        (&column("ms"), &["now"]),
        (&column("s"), &["1e300"]),
        (&column("rfc3339"), &["2026-11-23T20:00:00"]),
        (&(column("%Y-%m-%d") + "\nzone = \"+00:00\""), &["23.11.2026"]),
    ] {
        assert!(of(time, cells).is_err(), "{time}: {cells:?}");
    }
}

// Cells that are missing are missing, those that are wrong are bad with their line, and a wrong line costs itself only.
#[test]
fn cells_of_a_table() {
    let table = "id;when;depth;pm;note\n\
                 wl-1;2026-11-23 20:00:00;50;9;\n\
                 wl-1;2026-11-23 20:00:10;-;;\n\
                 wl-1;2026-11-23 20:00:20;deep;inf;\n\
                 wl-1;2026-11-23 25:00:30;50;9;\n\
                 wl-1;2026-11-23 20:00:40;50\n\
                 ;2026-11-23 20:00:50;50;9;\n\
                 wl-1; 2026-11-23 20:01:00 ;\"60\";99999;\"two\nlines\"\n\
                 wl-1;2026-11-23 20:01:10;50;9;\n";
    let text = format!("delimiter = \";\"\n{MAPPING}pm25 = \"pm\"\n");
    let tape = load("a.csv", table.as_bytes(), Some(&mapping(&text))).expect("reads");
    let data = tape.data();
    let found: Vec<(u64, &str)> = data.bad_samples.iter().map(|b| (b.line, b.problem.as_str())).collect();
    for (found, (line, problem)) in found.iter().zip([
        (4, "pm: `inf` is not a number"),
        (4, "depth: `deep` is not a number"),
        (5, "time: "),
        (6, "has 3 cells, the header has 5"),
        (7, "device `` is empty"),
    ]) {
        assert!(found.0 == line && found.1.starts_with(problem), "{found:?} for {line}: {problem}");
    }
    assert_eq!((data.bad, data.missing, tape.len()), (5, 2, 6));
    let last: Vec<f64> = outcome(&tape).episodes.iter().filter_map(|e| e.furthest).collect();
    assert_eq!(last, [6.0], "60 mm are 6 cm");
    assert_eq!(outcome(&tape).counts.incomparable, 1, "99,999 is kept and not believed");
    // A table without the columns is another table.
    let Err(LoadError::Data(missing)) = load("b.csv", b"a,b\n1,2\n", Some(&mapping(&text.replace(';', ",")))) else {
        panic!("read");
    };
    assert_eq!(missing.len(), 4, "{missing:?}");
    assert!(missing[0].ends_with("has no column `when` (time.column); it has a, b"), "{missing:?}");
    // Bytes that are no text are a bad line.
    let latin = load(
        "c.csv",
        b"id,when,depth\nwl-\xe9,2026-11-23 20:00:00,1\nwl-1,2026-11-23 20:00:00,1\n",
        Some(&mapping(MAPPING)),
    );
    let latin = latin.expect("reads").data();
    assert_eq!((latin.bad, latin.bad_samples[0].problem.as_str()), (1, "is not UTF-8"));
}
