//! What quantities and units are called in sentences.

/// Both languages, Chinese first.
pub(super) type Pair = (&'static str, &'static str);

/// What one quantity is called.
pub(super) struct Name {
    quantity: &'static str,
    pub(super) words: Pair,
    /// Of a yes/no quantity: what 0 and what 1 mean.
    pub(super) states: Option<[Pair; 2]>,
}

const fn plain(quantity: &'static str, zh: &'static str, en: &'static str) -> Name {
    Name { quantity, words: (zh, en), states: None }
}

const fn yes_no(quantity: &'static str, zh: &'static str, en: &'static str, states: [Pair; 2]) -> Name {
    Name { quantity, words: (zh, en), states: Some(states) }
}

/// What a signal is called behind the length of its window; of one that is not known its own word.
pub(super) fn signal(word: &str) -> (&str, &str) {
    match word {
        "mean" => ("平均", "mean"),
        "min" => ("最低", "minimum"),
        "max" => ("最高", "maximum"),
        "sum" => ("累计", "sum"),
        "count" => ("次数", "readings"),
        "range" => ("变幅", "range"),
        "rate" => ("变化率", "rate"),
        "delta" => ("变化", "change"),
        "percentile" => ("百分位值", "percentile"),
        "baseline" => ("偏离", "departure"),
        "leq" => ("等效声级", "Leq"),
        other => (other, other),
    }
}

/// Sorted by quantity; a test holds it so, and whole.
static NAMES: &[Name] = &[
    plain("aqi_day_2012", "日空气质量指数", "Daily AQI"),
    plain("aqi_day_2026", "日空气质量指数", "Daily AQI"),
    plain("aqi_hour_2012", "小时空气质量指数", "Hourly AQI"),
    plain("aqi_hour_2026", "小时空气质量指数", "Hourly AQI"),
    plain("battery", "电池电量", "Battery"),
    plain("beds_used", "床位使用率", "Beds in use"),
    plain("chlorine", "余氯", "Residual chlorine"),
    plain("co", "一氧化碳", "CO"),
    plain("cod", "化学需氧量", "COD"),
    plain("codmn", "高锰酸盐指数", "Permanganate index"),
    plain("count_motor", "机动车数", "Motor vehicles"),
    plain("count_non_motor", "非机动车数", "Non-motor vehicles"),
    plain("count_pedestrian", "行人数", "Pedestrians"),
    plain("count_unknown", "未识别目标数", "Unidentified objects"),
    plain("crowd_count", "人数", "People"),
    plain("crowd_density", "人群密度", "Crowd density"),
    plain("current", "电流", "Current"),
    plain("dissolved_oxygen", "溶解氧", "Dissolved oxygen"),
    plain("dissolved_oxygen_saturation", "溶解氧饱和度", "Oxygen saturation"),
    plain("fever_visits", "发热就诊人次", "Fever visits"),
    plain("gas_ch4", "甲烷浓度", "Methane"),
    plain("gas_co", "一氧化碳浓度", "CO gas"),
    plain("gas_h2s", "硫化氢浓度", "Hydrogen sulphide"),
    plain("humidity", "湿度", "Humidity"),
    yes_no("intrusion", "入侵", "Intrusion", [("正常", "clear"), ("报警", "alarm")]),
    plain("level_percent", "液位占比", "Fill level"),
    plain("light_on", "亮灯率", "Lamps lit"),
    plain("manhole_tilt", "井盖倾角", "Cover tilt"),
    plain("mean_speed", "平均车速", "Mean speed"),
    plain("mean_speed_motor", "机动车平均速度", "Motor vehicle speed"),
    plain("mean_speed_non_motor", "非机动车平均速度", "Non-motor speed"),
    plain("mean_speed_pedestrian", "行人平均速度", "Pedestrian speed"),
    plain("nh3n", "氨氮", "Ammonia nitrogen"),
    plain("no2", "二氧化氮", "NO₂"),
    plain("noise", "噪声", "Noise"),
    plain("o3", "臭氧", "Ozone"),
    plain("occupancy", "占有率", "Occupancy"),
    plain("oxygen", "氧气浓度", "Oxygen"),
    plain("ph", "pH 值", "pH"),
    plain("pm10", "PM10", "PM10"),
    plain("pm25", "PM2.5", "PM2.5"),
    yes_no("power", "市电", "Mains", [("断电", "off"), ("有电", "on")]),
    plain("pressure", "气压", "Air pressure"),
    plain("queue_length", "排队长度", "Queue length"),
    plain("queue_vehicles", "排队车辆", "Queued vehicles"),
    plain("rain", "雨量", "Rain"),
    plain("road_temperature", "路面温度", "Road temperature"),
    plain("room_temperature", "室温", "Room temperature"),
    plain("rssi", "信号强度", "Signal strength"),
    plain("rsu_cpu", "路侧单元 CPU 占用", "RSU processor"),
    plain("rsu_disk", "路侧单元磁盘占用", "RSU disk"),
    plain("rsu_mem", "路侧单元内存占用", "RSU memory"),
    plain("settlement", "沉降", "Settlement"),
    yes_no("smoke", "烟雾", "Smoke", [("正常", "clear"), ("报警", "alarm")]),
    plain("snr", "信噪比", "Signal to noise"),
    plain("so2", "二氧化硫", "SO₂"),
    plain("temperature", "温度", "Temperature"),
    plain("tilt", "倾角", "Tilt"),
    plain("tp", "总磷", "Total phosphorus"),
    plain("traffic_flow", "车流量", "Traffic flow"),
    plain("traffic_index", "交通指数", "Traffic index"),
    plain("turbidity", "浊度", "Turbidity"),
    plain("vibration", "振动", "Vibration"),
    plain("visibility", "能见度", "Visibility"),
    plain("voltage", "电压", "Voltage"),
    plain("water_depth", "积水深度", "Water depth"),
    plain("water_level", "水位", "Water level"),
    plain("water_pressure", "水压", "Water pressure"),
    plain("wind_direction", "风向", "Wind direction"),
    plain("wind_speed", "风速", "Wind speed"),
];

/// What a quantity is called.
pub(super) fn of(quantity: &str) -> Option<&'static Name> {
    NAMES.binary_search_by(|n| n.quantity.cmp(quantity)).ok().and_then(|i| NAMES.get(i))
}

/// A unit as people write it, and whether a space stands before it; nothing for counts.
pub(super) fn unit(unit: &'static str) -> (bool, &'static str) {
    match unit {
        "1" | "[pH]" => (false, ""),
        "%" => (false, "%"),
        "%LEL" => (false, "% LEL"),
        "deg" => (false, "°"),
        "Cel" => (true, "°C"),
        "ug/m3" => (true, "µg/m³"),
        "mg/m3" => (true, "mg/m³"),
        "/m2" => (true, "/m²"),
        other => (true, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::quantity;

    // Protects every sentence about a value: each registered quantity has a name, and a yes/no one words for both.
    #[test]
    fn every_quantity_has_a_name() {
        assert!(NAMES.windows(2).all(|w| w[0].quantity < w[1].quantity), "sorted");
        for spec in quantity::all() {
            let name = of(spec.name).unwrap_or_else(|| panic!("{} has no name", spec.name));
            assert_eq!(name.states.is_some(), spec.is_binary(), "{}", spec.name);
        }
        assert_eq!(NAMES.len(), quantity::all().len(), "names of nothing");
    }
}
