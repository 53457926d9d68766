package dev.lockstep.results;

import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class FailureKindsTest {
    private static FailureKinds of(List<String> errors) {
        FailureKinds failures = new FailureKinds();
        errors.forEach(failures::add);
        return failures;
    }

    @Test
    void sentence_none_isEmpty() {
        assertThat(of(List.of()).sentence(7)).isEmpty();
    }

    @Test
    void sentence_some_areCountedByKindLargestFirst() {
        FailureKinds failures = of(List.of("line 2: prompt is missing", "line 3: top_k must be a number, not \"x\"",
                "line 4: top_k must be a number, not \"yy\"", "line 15: top_k must be a number, not \"\""));
        assertThat(failures.sentence(5)).contains("4 of 5 rows failed: line 3: top_k must be a number, not \"x\""
                + " (and 2 like it); line 2: prompt is missing");
        assertThat(failures.count()).isEqualTo(4);
    }

    @Test
    void sentence_ofManyKinds_showsFive() {
        List<String> errors = IntStream.range(0, 7).mapToObj(i -> "reason " + (char) ('a' + i)).toList();
        assertThat(of(errors).sentence(7)).contains(
                "7 of 7 rows failed: reason a; reason b; reason c; reason d; reason e; and 2 of other kinds");
    }

    @Test
    void sentence_ofMoreKindsThanAreKept_countsThemAll() {
        List<String> errors = IntStream.range(0, 1500)
                .mapToObj(i -> "reason " + (char) ('a' + i / 100) + (char) ('a' + i / 10 % 10) + (char) ('a' + i % 10))
                .toList();
        assertThat(of(errors).sentence(2000).orElseThrow()).startsWith("1500 of 2000 rows failed: reason aaa; ")
                .endsWith("; and 1495 of other kinds");
    }

    @Test
    void sentence_oneOfOne_isSingular() {
        assertThat(of(List.of("no")).sentence(1)).contains("1 of 1 row failed: no");
    }
}
