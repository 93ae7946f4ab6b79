//! Randomness that a seed names, the same in every release: [`SplitMix64`] and [`shuffle`].

/// Random numbers by SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). Written out here because what a seed names must not
/// change with a library's version.
#[derive(Debug, Clone)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The sequence that `seed` names.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number, any of 64 bits alike.
    #[expect(
        clippy::should_implement_trait,
        reason = "it never ends, so that an iterator's Option would be in the way"
    )]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut random = self.state;
        random = (random ^ (random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        random = (random ^ (random >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        random ^ (random >> 31)
    }
}

/// Brings `items` into the order that `seed` names: Fisher–Yates.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut random = SplitMix64::new(seed);
    for last in (1..items.len()).rev() {
        items.swap(last, (random.next() % (last as u64 + 1)) as usize);
    }
}

/// The order that `seed` names in which items that belong together follow each other, in an order of their own.
#[must_use]
pub fn shuffled_together<T: Clone>(
    items: &[T],
    seed: u64,
    belong_together: impl Fn(&T, &T) -> bool,
) -> Vec<T> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    for item in items {
        let group =
            groups.iter_mut().find(|group| group.first().is_some_and(|first| belong_together(first, item)));
        match group {
            Some(group) => group.push(item.clone()),
            None => groups.push(vec![item.clone()]),
        }
    }
    shuffle(&mut groups, seed);
    for group in &mut groups {
        // Another sequence: that of the groups would tie the order within one to its place among the others.
        shuffle(group, !seed);
    }
    groups.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_all_items_and_gives_the_same_order_for_the_same_seed() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..8).collect();
            shuffle(&mut items, seed);
            items
        };
        assert_eq!(shuffled(1), shuffled(1));
        assert_eq!(shuffled(2019), [0, 7, 4, 2, 1, 3, 5, 6], "an order once published must not change");
        let mut sorted = shuffled(2);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn items_of_one_kind_follow_each_other_in_either_order_anywhere() {
        let mut seen = std::collections::BTreeMap::new();
        for seed in 0..6_000 {
            let order = shuffled_together(&["bare", "a1", "b", "a2"], seed, |one, other| {
                one[..1] == other[..1] && *one != "bare"
            });
            let places = ["a1", "a2"].map(|item| order.iter().position(|it| *it == item).unwrap());
            assert_eq!(places[0].abs_diff(places[1]), 1, "{order:?}");
            *seen.entry(order).or_insert(0_u32) += 1;
        }
        // Three groups and two ways within one: twelve orders, of which each comes about as often.
        assert_eq!(seen.len(), 12);
        assert!(seen.values().all(|count| (350..650).contains(count)), "{seen:?}");
    }

    #[test]
    fn without_kinds_the_order_is_that_of_a_plain_shuffle() {
        let mut plain: Vec<u32> = (0..8).collect();
        shuffle(&mut plain, 2019);
        assert_eq!(shuffled_together(&(0..8).collect::<Vec<u32>>(), 2019, |_, _| false), plain);
    }

    #[test]
    fn every_item_comes_first_about_as_often() {
        let mut firsts = [0_u32; 5];
        for seed in 0..10_000 {
            let mut items = [0, 1, 2, 3, 4];
            shuffle(&mut items, seed);
            firsts[items[0]] += 1;
        }
        assert!(firsts.iter().all(|&count| (1_800..2_200).contains(&count)), "{firsts:?}");
    }
}
