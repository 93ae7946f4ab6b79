//! The emoji one can vote for, and the gRPC method that votes for each.
//!
//! One table serves the emoji service's list, the voting service's dispatch and
//! the web's calls, so that the three cannot disagree.

use std::collections::HashMap;
use std::sync::LazyLock;

/// One emoji and the method that votes for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Emoji {
    /// Its name between colons, for example `:joy:`.
    pub shortcode: &'static str,
    /// The character or characters it is drawn with.
    pub unicode: &'static str,
    /// The method of `VotingService` that votes for it, for example `VoteJoy`.
    pub vote_method: &'static str,
    /// The request path of that method.
    pub vote_path: &'static str,
}

/// Where in [`VOTABLE`] an emoji stands: what vote counts are kept by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position(usize);

impl Position {
    /// The emoji that stands there.
    #[must_use]
    pub fn emoji(self) -> &'static Emoji {
        &VOTABLE[self.0]
    }

    /// The position as an index into a slice with one element for each of [`VOTABLE`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// The emoji the emoji service lists and finds, in the order it lists them.
#[must_use]
pub fn listed() -> &'static [Emoji] {
    VOTABLE.split_last().map_or(&[], |(_relaxed, listed)| listed)
}

/// The listed emoji with this shortcode.
#[must_use]
pub fn find(shortcode: &str) -> Option<Position> {
    BY_SHORTCODE.get(shortcode).copied()
}

/// The emoji that a method of `VotingService` votes for, by its request path.
#[must_use]
pub fn find_by_vote_path(path: &str) -> Option<Position> {
    BY_VOTE_PATH.get(path).copied()
}

static BY_SHORTCODE: LazyLock<HashMap<&str, Position>> = LazyLock::new(|| {
    listed().iter().enumerate().map(|(index, emoji)| (emoji.shortcode, Position(index))).collect()
});

static BY_VOTE_PATH: LazyLock<HashMap<&str, Position>> = LazyLock::new(|| {
    VOTABLE.iter().enumerate().map(|(index, emoji)| (emoji.vote_path, Position(index))).collect()
});

macro_rules! table {
    ($($shortcode:literal $unicode:literal $name:literal,)*) => {
        &[$(Emoji {
            shortcode: $shortcode,
            unicode: $unicode,
            vote_method: concat!("Vote", $name),
            vote_path: concat!("/emojivoto.v1.VotingService/Vote", $name),
        }),*]
    };
}

/// Every emoji with a vote method: the listed ones in upstream's order, and last
/// `:relaxed:`, which upstream can count votes for but does not list.
pub static VOTABLE: &[Emoji] = table![
    ":joy:" "\u{1F602}" "Joy",
    ":sunglasses:" "\u{1F60E}" "Sunglasses",
    ":doughnut:" "\u{1F369}" "Doughnut",
    ":stuck_out_tongue_winking_eye:" "\u{1F61C}" "StuckOutTongueWinkingEye",
    ":money_mouth_face:" "\u{1F911}" "MoneyMouthFace",
    ":flushed:" "\u{1F633}" "Flushed",
    ":mask:" "\u{1F637}" "Mask",
    ":nerd_face:" "\u{1F913}" "NerdFace",
    ":ghost:" "\u{1F47B}" "Ghost",
    ":skull_and_crossbones:" "\u{2620}\u{FE0F}" "SkullAndCrossbones",
    ":heart_eyes_cat:" "\u{1F63B}" "HeartEyesCat",
    ":hear_no_evil:" "\u{1F649}" "HearNoEvil",
    ":see_no_evil:" "\u{1F648}" "SeeNoEvil",
    ":speak_no_evil:" "\u{1F64A}" "SpeakNoEvil",
    ":boy:" "\u{1F466}" "Boy",
    ":girl:" "\u{1F467}" "Girl",
    ":man:" "\u{1F468}" "Man",
    ":woman:" "\u{1F469}" "Woman",
    ":older_man:" "\u{1F474}" "OlderMan",
    ":policeman:" "\u{1F46E}" "Policeman",
    ":guardsman:" "\u{1F482}" "Guardsman",
    ":construction_worker_man:" "\u{1F477}" "ConstructionWorkerMan",
    ":prince:" "\u{1F934}" "Prince",
    ":princess:" "\u{1F478}" "Princess",
    ":man_in_tuxedo:" "\u{1F935}" "ManInTuxedo",
    ":bride_with_veil:" "\u{1F470}" "BrideWithVeil",
    ":mrs_claus:" "\u{1F936}" "MrsClaus",
    ":santa:" "\u{1F385}" "Santa",
    ":turkey:" "\u{1F983}" "Turkey",
    ":rabbit:" "\u{1F430}" "Rabbit",
    ":no_good_woman:" "\u{1F645}" "NoGoodWoman",
    ":ok_woman:" "\u{1F646}" "OkWoman",
    ":raising_hand_woman:" "\u{1F64B}" "RaisingHandWoman",
    ":bowing_man:" "\u{1F647}" "BowingMan",
    ":man_facepalming:" "\u{1F926}\u{200D}\u{2642}" "ManFacepalming",
    ":woman_shrugging:" "\u{1F937}\u{200D}\u{2640}" "WomanShrugging",
    ":massage_woman:" "\u{1F486}" "MassageWoman",
    ":walking_man:" "\u{1F6B6}" "WalkingMan",
    ":running_man:" "\u{1F3C3}" "RunningMan",
    ":dancer:" "\u{1F483}" "Dancer",
    ":man_dancing:" "\u{1F57A}" "ManDancing",
    ":dancing_women:" "\u{1F46F}" "DancingWomen",
    ":rainbow:" "\u{1F308}" "Rainbow",
    ":skier:" "\u{26F7}" "Skier",
    ":golfing_man:" "\u{1F3CC}" "GolfingMan",
    ":surfing_man:" "\u{1F3C4}" "SurfingMan",
    ":basketball_man:" "\u{26F9}" "BasketballMan",
    ":biking_man:" "\u{1F6B4}" "BikingMan",
    ":point_up_2:" "\u{1F446}" "PointUp2",
    ":vulcan_salute:" "\u{1F596}" "VulcanSalute",
    ":metal:" "\u{1F918}" "Metal",
    ":call_me_hand:" "\u{1F919}" "CallMeHand",
    ":thumbsup:" "\u{1F44D}" "Thumbsup",
    ":wave:" "\u{1F44B}" "Wave",
    ":clap:" "\u{1F44F}" "Clap",
    ":raised_hands:" "\u{1F64C}" "RaisedHands",
    ":pray:" "\u{1F64F}" "Pray",
    ":dog:" "\u{1F436}" "Dog",
    ":cat2:" "\u{1F408}" "Cat2",
    ":pig:" "\u{1F437}" "Pig",
    ":hatching_chick:" "\u{1F423}" "HatchingChick",
    ":snail:" "\u{1F40C}" "Snail",
    ":bacon:" "\u{1F953}" "Bacon",
    ":pizza:" "\u{1F355}" "Pizza",
    ":taco:" "\u{1F32E}" "Taco",
    ":burrito:" "\u{1F32F}" "Burrito",
    ":ramen:" "\u{1F35C}" "Ramen",
    ":champagne:" "\u{1F37E}" "Champagne",
    ":tropical_drink:" "\u{1F379}" "TropicalDrink",
    ":beer:" "\u{1F37A}" "Beer",
    ":tumbler_glass:" "\u{1F943}" "TumblerGlass",
    ":world_map:" "\u{1F5FA}" "WorldMap",
    ":beach_umbrella:" "\u{1F3D6}" "BeachUmbrella",
    ":mountain_snow:" "\u{1F3D4}" "MountainSnow",
    ":camping:" "\u{1F3D5}" "Camping",
    ":steam_locomotive:" "\u{1F682}" "SteamLocomotive",
    ":flight_departure:" "\u{1F6EB}" "FlightDeparture",
    ":rocket:" "\u{1F680}" "Rocket",
    ":star2:" "\u{1F31F}" "Star2",
    ":sun_behind_small_cloud:" "\u{1F324}" "SunBehindSmallCloud",
    ":cloud_with_rain:" "\u{1F327}" "CloudWithRain",
    ":fire:" "\u{1F525}" "Fire",
    ":jack_o_lantern:" "\u{1F383}" "JackOLantern",
    ":balloon:" "\u{1F388}" "Balloon",
    ":tada:" "\u{1F389}" "Tada",
    ":trophy:" "\u{1F3C6}" "Trophy",
    ":iphone:" "\u{1F4F1}" "Iphone",
    ":pager:" "\u{1F4DF}" "Pager",
    ":fax:" "\u{1F4E0}" "Fax",
    ":bulb:" "\u{1F4A1}" "Bulb",
    ":money_with_wings:" "\u{1F4B8}" "MoneyWithWings",
    ":crystal_ball:" "\u{1F52E}" "CrystalBall",
    ":underage:" "\u{1F51E}" "Underage",
    ":interrobang:" "\u{2049}\u{FE0F}" "Interrobang",
    ":100:" "\u{1F4AF}" "100",
    ":checkered_flag:" "\u{1F3C1}" "CheckeredFlag",
    ":crossed_swords:" "\u{2694}\u{FE0F}" "CrossedSwords",
    ":floppy_disk:" "\u{1F4BE}" "FloppyDisk",
    ":poop:" "\u{1F4A9}" "Poop",
    ":relaxed:" "\u{263A}\u{FE0F}" "Relaxed",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `:stuck_out_tongue_winking_eye:` → `VoteStuckOutTongueWinkingEye`.
    fn method_name(shortcode: &str) -> String {
        let capitalised = shortcode.trim_matches(':').split('_').map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        });
        "Vote".to_owned() + &capitalised.collect::<String>()
    }

    #[test]
    fn each_method_is_named_after_its_shortcode() {
        for emoji in VOTABLE {
            assert_eq!(emoji.vote_method, method_name(emoji.shortcode));
        }
    }

    #[test]
    fn the_table_has_exactly_the_methods_of_the_contract() {
        let contract = include_str!("../proto/Voting.proto");
        let mut in_contract: Vec<_> =
            contract.split("rpc ").skip(1).filter_map(|rest| rest.split('(').next()).collect();
        in_contract.retain(|method| *method != "Results");
        in_contract.sort_unstable();
        let mut in_table: Vec<_> = VOTABLE.iter().map(|emoji| emoji.vote_method).collect();
        in_table.sort_unstable();
        assert_eq!(in_table, in_contract);
    }

    #[test]
    fn only_listed_emoji_are_found_by_shortcode() {
        assert_eq!(listed().len(), 99);
        assert_eq!(find(":poop:").map(|position| position.emoji().unicode), Some("💩"));
        assert_eq!(find(":relaxed:"), None);
        let relaxed = find_by_vote_path("/emojivoto.v1.VotingService/VoteRelaxed");
        assert_eq!(relaxed.map(|position| position.emoji().shortcode), Some(":relaxed:"));
    }
}
