package dev.lockstep.launch;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class OwnPausesTest {
    @Test
    void look_inTime_isNoPause() {
        OwnPauses pauses = new OwnPauses(200, 1000);
        assertThat(pauses.look(1050)).isZero();
        assertThat(pauses.look(1250)).isZero();
    }

    /** Each of them is short, and together they are as long as a rank may be silent. */
    @Test
    void look_heldUpAgainAndAgain_countsAllOfIt() {
        OwnPauses pauses = new OwnPauses(200, 0);
        long forgiven = 0;
        for (int i = 1; i <= 20; i++) {
            forgiven += pauses.look(i * 500L);
        }
        assertThat(forgiven).isEqualTo(10_000);
        assertThat(pauses.look(10_050)).isZero();
    }
}
