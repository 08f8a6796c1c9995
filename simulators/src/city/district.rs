//! The sixteen districts of Beijing: codes, names, and where sensors may stand.

/// A circle inside a district.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Centre, degrees east.
    pub lon: f64,
    /// Centre, degrees north.
    pub lat: f64,
    /// Radius in degrees of latitude.
    pub radius: f64,
}

/// One district.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct District {
    /// Six-digit administrative code.
    pub code: &'static str,
    /// Chinese name.
    pub zh: &'static str,
    /// English name.
    pub en: &'static str,
    /// Share of the sensors, roughly its residents in units of 10,000.
    pub weight: u32,
    /// Circles that lie inside it, largest first. Not its shape: only a safe place to put points.
    pub areas: &'static [Area],
}

const fn area(lon: f64, lat: f64, radius: f64) -> Area {
    Area { lon, lat, radius }
}

/// All sixteen, by code.
pub const DISTRICTS: &[District] = &[
    District {
        code: "110101",
        zh: "东城区",
        en: "Dongcheng",
        weight: 70,
        areas: &[area(116.42, 39.89, 0.015), area(116.42, 39.94, 0.012), area(116.42, 39.92, 0.011)],
    },
    District {
        code: "110102",
        zh: "西城区",
        en: "Xicheng",
        weight: 110,
        areas: &[area(116.36, 39.92, 0.018), area(116.37, 39.89, 0.018)],
    },
    District {
        code: "110105",
        zh: "朝阳区",
        en: "Chaoyang",
        weight: 344,
        areas: &[
            area(116.54, 39.96, 0.069),
            area(116.43, 40.01, 0.034),
            area(116.56, 39.87, 0.033),
            area(116.49, 40.04, 0.030),
            area(116.49, 39.88, 0.027),
        ],
    },
    District {
        code: "110106",
        zh: "丰台区",
        en: "Fengtai",
        weight: 202,
        areas: &[
            area(116.15, 39.83, 0.044),
            area(116.30, 39.84, 0.037),
            area(116.38, 39.83, 0.026),
            area(116.23, 39.85, 0.021),
            area(116.26, 39.88, 0.015),
        ],
    },
    District {
        code: "110107",
        zh: "石景山区",
        en: "Shijingshan",
        weight: 57,
        areas: &[area(116.17, 39.94, 0.028), area(116.21, 39.90, 0.016), area(116.14, 39.97, 0.012)],
    },
    District {
        code: "110108",
        zh: "海淀区",
        en: "Haidian",
        weight: 313,
        areas: &[
            area(116.27, 40.00, 0.063),
            area(116.18, 40.07, 0.049),
            area(116.30, 39.92, 0.022),
            area(116.09, 40.09, 0.021),
        ],
    },
    District {
        code: "110109",
        zh: "门头沟区",
        en: "Mentougou",
        weight: 39,
        areas: &[area(115.83, 40.03, 0.106), area(115.62, 39.98, 0.094), area(116.01, 39.97, 0.071)],
    },
    District {
        code: "110111",
        zh: "房山区",
        en: "Fangshan",
        weight: 131,
        areas: &[
            area(115.81, 39.74, 0.154),
            area(116.08, 39.67, 0.088),
            area(115.57, 39.70, 0.052),
            area(116.04, 39.78, 0.037),
        ],
    },
    District {
        code: "110112",
        zh: "通州区",
        en: "Tongzhou",
        weight: 184,
        areas: &[
            area(116.75, 39.78, 0.099),
            area(116.71, 39.91, 0.053),
            area(116.78, 39.65, 0.035),
            area(116.59, 39.78, 0.034),
        ],
    },
    District {
        code: "110113",
        zh: "顺义区",
        en: "Shunyi",
        weight: 132,
        areas: &[
            area(116.79, 40.16, 0.104),
            area(116.59, 40.18, 0.069),
            area(116.66, 40.07, 0.039),
            area(116.93, 40.09, 0.031),
        ],
    },
    District {
        code: "110114",
        zh: "昌平区",
        en: "Changping",
        weight: 227,
        areas: &[
            area(116.26, 40.26, 0.103),
            area(116.06, 40.21, 0.085),
            area(116.38, 40.14, 0.068),
            area(115.93, 40.17, 0.032),
        ],
    },
    District {
        code: "110115",
        zh: "大兴区",
        en: "Daxing",
        weight: 199,
        areas: &[
            area(116.38, 39.65, 0.112),
            area(116.59, 39.67, 0.040),
            area(116.47, 39.77, 0.038),
            area(116.35, 39.51, 0.038),
        ],
    },
    District {
        code: "110116",
        zh: "怀柔区",
        en: "Huairou",
        weight: 44,
        areas: &[
            area(116.63, 40.81, 0.107),
            area(116.57, 40.39, 0.101),
            area(116.59, 40.53, 0.061),
            area(116.36, 40.43, 0.047),
        ],
    },
    District {
        code: "110117",
        zh: "平谷区",
        en: "Pinggu",
        weight: 46,
        areas: &[area(117.14, 40.22, 0.123), area(117.03, 40.09, 0.033), area(117.33, 40.20, 0.030)],
    },
    District {
        code: "110118",
        zh: "密云区",
        en: "Miyun",
        weight: 53,
        areas: &[
            area(116.96, 40.52, 0.173),
            area(117.22, 40.61, 0.060),
            area(116.87, 40.72, 0.041),
            area(116.93, 40.31, 0.041),
        ],
    },
    District {
        code: "110119",
        zh: "延庆区",
        en: "Yanqing",
        weight: 35,
        areas: &[area(116.13, 40.49, 0.119), area(116.32, 40.63, 0.118), area(115.90, 40.49, 0.087)],
    },
];

/// The district of this code.
pub fn district(code: &str) -> Option<&'static District> {
    DISTRICTS.iter().find(|d| d.code == code)
}
