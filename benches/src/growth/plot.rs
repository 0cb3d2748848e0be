//! A curve as a picture: both axes logarithmic, a line through the medians, a stroke from the least to the greatest.

use std::{error::Error, path::Path};

use plotters::prelude::*;

use crate::{Point, curve::Curve, stats};

/// Dark enough on white, and apart for most eyes.
const COLOURS: [RGBColor; 3] = [RGBColor(0, 90, 160), RGBColor(200, 80, 0), RGBColor(0, 120, 80)];

/// Draws `points` into `file`.
pub(crate) fn draw(file: &Path, curve: Curve, points: &[Point]) -> Result<(), Box<dyn Error>> {
    let all: Vec<f64> = points.iter().flat_map(|point| point.samples.values().flatten().copied()).collect();
    let (Some((least, greatest)), Some(first), Some(last)) = (stats::range(&all), points.first(), points.last()) else {
        return Err("there is nothing to draw".into());
    };
    let area = SVGBackend::new(file, (720, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let (across, up) = (first.at as f64..last.at as f64 * 1.05, least / 2.0..greatest * 2.0);
    let mut chart = ChartBuilder::on(&area)
        .caption(curve.title(), ("sans-serif", 17))
        .margin(14)
        .x_label_area_size(42)
        .y_label_area_size(70)
        .build_cartesian_2d(across.log_scale(), up.log_scale())?;
    chart
        .configure_mesh()
        .x_desc(curve.axis())
        .y_desc("ns each")
        .x_label_formatter(&|at| round(*at))
        .y_label_formatter(&|nanos| round(*nanos))
        .light_line_style(RGBColor(240, 240, 240))
        .bold_line_style(RGBColor(215, 215, 215))
        .label_style(("sans-serif", 13))
        .draw()?;
    for (name, colour) in first.samples.keys().zip(COLOURS.into_iter().cycle()) {
        let samples = |point: &Point| point.samples.get(name).cloned().unwrap_or_default();
        let medians = points.iter().filter_map(|point| Some((point.at as f64, stats::median(&samples(point))?)));
        let line = LineSeries::new(medians, colour.stroke_width(2)).point_size(3);
        let legend = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2));
        chart.draw_series(line)?.label(name.as_str()).legend(legend);
        for point in points {
            let Some((low, high)) = stats::range(&samples(point)) else { continue };
            let ends = [(point.at as f64, low), (point.at as f64, high)];
            chart.draw_series([PathElement::new(ends, colour.stroke_width(1))])?;
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.9))
        .label_font(("sans-serif", 13))
        .draw()?;
    area.present()?;
    Ok(())
}

/// `10 k` and the like.
fn round(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{} M", value / 1e6),
        value if value >= 1e3 => format!("{} k", value / 1e3),
        value => format!("{value}"),
    }
}
