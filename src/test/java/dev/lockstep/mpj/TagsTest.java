package dev.lockstep.mpj;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import xdev.XDevException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TagsTest {
    private static final int LAST_CONTEXT = Tags.CONTEXTS - 1;
    private static final int LAST_RANK = Tags.RANKS - 1;

    private static boolean matches(long message, int context, int from, int tag) {
        return (message & Tags.mask(from, tag)) == Tags.wanted(context, from, tag);
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 0", "3, 1, 5", "9, 4095, 2147483647", "262143, 7, -5", "1, 2, -2147483648"})
    void message_hasItsParts(int context, int from, int tag) {
        for (boolean announced : new boolean[]{true, false}) {
            long message = Tags.message(context, from, tag, announced);
            assertThat(Tags.rank(message)).isEqualTo(from);
            assertThat(Tags.tag(message)).isEqualTo(tag);
            assertThat(Tags.isAnnounced(message)).isEqualTo(announced);
            assertThat(matches(message, context, from, tag)).isTrue();
            assertThat(matches(message, context, Tags.ANY, tag)).isTrue();
            assertThat(matches(message, context, from, Tags.ANY)).isTrue();
            assertThat(matches(message, context, Tags.ANY, Tags.ANY)).isTrue();
            assertThat(matches(message, context ^ 1, Tags.ANY, Tags.ANY)).isFalse();
            assertThat(matches(message, context, from ^ 1, Tags.ANY)).isFalse();
            assertThat(matches(message, context, Tags.ANY, tag ^ 1)).isFalse();
            assertThat(matches(message, context, from, tag ^ 1 << 31)).isFalse();
        }
    }

    @Test
    void whatFollowsAnAnnouncement_isNoMessageOfAProgram() {
        for (int context : new int[]{0, LAST_CONTEXT}) {
            assertThat(matches(Tags.ready(LAST_RANK, Tags.NUMBERS - 1), context, Tags.ANY, Tags.ANY)).isFalse();
            assertThat(matches(Tags.piece(LAST_RANK, Tags.NUMBERS - 1, Tags.PIECES - 1), context, Tags.ANY, Tags.ANY))
                    .isFalse();
            assertThat(matches(Tags.ready(0, 0), context, Tags.ANY, Tags.ANY)).isFalse();
            assertThat(matches(Tags.piece(0, 0, 0), context, Tags.ANY, Tags.ANY)).isFalse();
        }
    }

    @Test
    void whatFollowsAnAnnouncement_differsInSenderNumberAndIndex() {
        assertThat(new long[]{Tags.piece(0, 0, 0), Tags.piece(LAST_RANK, 0, 0), Tags.piece(0, Tags.NUMBERS - 1, 0),
                Tags.piece(0, 1, 0), Tags.piece(0, 0, 1), Tags.piece(0, 0, Tags.PIECES - 1), Tags.piece(1, 0, 0),
                Tags.ready(0, 0), Tags.ready(1, 0), Tags.ready(0, 1), Tags.ready(LAST_RANK, Tags.NUMBERS - 1)})
                        .doesNotHaveDuplicates();
    }

    @Test
    void numbers_beginAgainAfterTheLast() {
        assertThat(Tags.ready(1, Tags.NUMBERS + 5)).isEqualTo(Tags.ready(1, 5));
    }

    @Test
    void message_ofAContextThatDoesNotFit_saysSo() {
        assertThatThrownBy(() -> Tags.message(LAST_CONTEXT + 1, 0, 0, false)).isInstanceOf(XDevException.class)
                .hasMessageContaining("at most 262144 contexts").hasMessageContaining("--dev tcp");
    }
}
