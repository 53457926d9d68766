package dev.lockstep.checkpoint.hub;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.host.UsageException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ModelNameTest {
    @Test
    void parse_names() {
        assertThat(ModelName.parse("gpt2")).contains(new ModelName("gpt2", "main"));
        assertThat(ModelName.parse("Qwen/Qwen2.5-0.5B")).contains(new ModelName("Qwen/Qwen2.5-0.5B", "main"));
        assertThat(ModelName.parse("org/name@refs/pr/1")).contains(new ModelName("org/name", "refs/pr/1"));
        assertThat(ModelName.parse("org/name").orElseThrow().folder()).isEqualTo("models--org--name");
        assertThat(ModelName.parse("org/name@main").orElseThrow()).hasToString("org/name");
        assertThat(ModelName.parse("org/name@v1").orElseThrow()).hasToString("org/name@v1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/data/model", "./model", "../model", "a/b/c", "org/..", "../..", "a--b/c",
            "org/name.git",
            "org/", "/name", "org/.name", "org/name-", "org/na me", "org/na..me", "~/model", "org/é", "C:\\model"})
    void parse_whatNoModelIsCalled_isEmpty(String text) {
        assertThat(ModelName.parse(text)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "..", "../../x", "a/../b", "a/./b", "/main", "main/", "a//b", "a b", "a\\b", "a@b",
            "a\nb"})
    void parse_whatNoRevisionIsCalled_isRefused(String revision) {
        assertThatThrownBy(() -> ModelName.parse("org/name@" + revision)).isInstanceOf(UsageException.class)
                .hasMessageEndingWith(": what follows @ must be a branch, a tag or a commit of org/name, as in"
                        + " org/name@main");
    }
}
