package dev.lockstep.host;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ShareTest {
    private static final List<String> WHOLE = List.of("a", "b", "c", "d", "e", "f");

    @Test
    void of_list_hasItsElementsAndKnowsTheirPlace() {
        Share<String> share = Share.of(WHOLE, 2, 5);
        assertThat(share).isEqualTo(List.of("c", "d", "e"));
        assertThat(share.start()).isEqualTo(2);
        assertThat(share.stream()).containsExactly("c", "d", "e");
        assertThat(Share.of(WHOLE, 6, 6)).isEmpty();
        assertThat(Share.of(WHOLE, 6, 6).start()).isEqualTo(6);
    }

    @Test
    void subList_ofAShare_keepsThePlacesInTheWholeList() {
        Share<String> part = Share.of(WHOLE, 1, 6).subList(2, 4);
        assertThat(part).isEqualTo(List.of("d", "e"));
        assertThat(part.start()).isEqualTo(3);
        Share<String> ofShare = Share.of(part, 1, 2);
        assertThat(ofShare).isEqualTo(List.of("e"));
        assertThat(ofShare.start()).isEqualTo(4);
    }

    @Test
    void share_cannotBeModified() {
        Share<String> share = Share.of(new ArrayList<>(WHOLE), 2, 5);
        assertThatThrownBy(() -> share.set(0, "x")).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> share.iterator().remove()).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> share.add("x")).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void of_elementsThatAreNotThere_isRefused() {
        assertThatThrownBy(() -> Share.of(WHOLE, 2, 7)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Share.of(WHOLE, 0, 2).get(2)).isInstanceOf(IndexOutOfBoundsException.class);
    }
}
