package dev.lockstep.decoder;

import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** What a step beside drafts has come to. */
class DraftsTest {
    @Test
    void chosen_ofADraft_endsWithWhatFollowsItsLastRightToken() {
        Drafts drafts = new Drafts(List.of(new int[]{5, 6, 7}, new int[0], new int[]{8}));
        // by slots: three rows, then three tokens of the first and one of the third
        List<NextTokens> chosen = drafts.chosen(new int[]{5, 20, 9, 6, 1, 2, 3});
        assertThat(chosen.get(0).tokens()).containsExactly(5, 6, 1);
        assertThat(chosen.get(0).slots()).containsExactly(0, 3, 4);
        assertThat(chosen.get(1).tokens()).containsExactly(20);
        assertThat(chosen.get(2).tokens()).as("its draft is wrong").containsExactly(9);
        assertThat(chosen.get(2).slots()).containsExactly(2);
    }

    @Test
    void slots_ofDrafts_knowTheirRowsAndPlaces() {
        Drafts drafts = new Drafts(List.of(new int[]{5, 6, 7}, new int[0], new int[]{8}));
        assertThat(drafts.count()).isEqualTo(4);
        assertThat(drafts.longest()).isEqualTo(3);
        assertThat(drafts.sources()).containsExactly(0, 0, 0, 2);
        assertThat(drafts.ahead()).containsExactly(1, 2, 3, 1);
        assertThat(drafts.tokens()).containsExactly(5, 6, 7, 8);
    }
}
