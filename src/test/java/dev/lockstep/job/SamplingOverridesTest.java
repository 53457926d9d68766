package dev.lockstep.job;

import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.generate.SamplingParams;
import dev.lockstep.model.GenerationDefaults;

import static dev.lockstep.job.SamplingOverrides.NONE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SamplingOverridesTest {
    @Test
    void resolve_nothingSaid_isGreedyWithBuiltInDefaults() {
        assertThat(SamplingOverrides.resolve(NONE, NONE, NONE)).isEqualTo(
                new SamplingParams(true, 1, 0, 1, 0, 1, 0, 100, 0, false, List.of(), List.of()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {}                      | {}                      | {"greedy":false}                     | false | 1
            {}                      | {}                      | {"temperature":0.8}                  | true  | 0.8
            {}                      | {}                      | {"greedy":false,"temperature":0.8}   | false | 0.8
            {}                      | {}                      | {"greedy":true,"temperature":0.8}    | true  | 0.8
            {}                      | {"greedy":true}         | {"greedy":false,"temperature":0.8}   | true  | 0.8
            {}                      | {"temperature":0}       | {"greedy":false,"temperature":0.8}   | true  | 0.8
            {}                      | {"temperature":0.5}     | {"greedy":true}                      | false | 0.5
            {}                      | {"top_k":5}             | {"greedy":true,"temperature":0.8}    | false | 0.8
            {}                      | {"top_p":0.5}           | {}                                   | false | 1
            {}                      | {"min_p":0.5}           | {}                                   | false | 1
            {}                      | {"repetition_penalty":2}| {}                                   | true  | 1
            {}                      | {"seed":3}              | {}                                   | true  | 1
            {}                      | {"greedy":true,"temperature":0.5} | {"greedy":false}           | true  | 0.5
            {}                      | {"greedy":false}        | {}                                   | false | 1
            {"greedy":true}         | {"temperature":0.5}     | {}                                   | true  | 0.5
            {"temperature":0}       | {"temperature":0.5}     | {}                                   | true  | 0.5
            {"temperature":0.7}     | {"greedy":true}         | {}                                   | false | 0.7
            {"temperature":0.7}     | {"temperature":0.5}     | {"greedy":true,"temperature":0.8}    | false | 0.7
            {"top_p":0.5}           | {"temperature":0}       | {"greedy":true,"temperature":0.8}    | false | 0.8
            {"top_p":0.5}           | {"temperature":0}       | {}                                   | false | 1
            {"greedy":false}        | {"temperature":0}       | {}                                   | false | 1
            """)
    void resolve_greedyOrSampling_isDecidedByTheNearestPlaceThatSaysSo(String row, String commandLine,
            String checkpoint, boolean greedy, double temperature) throws Exception {
        var params = SamplingOverrides.resolve(of(row), of(commandLine), of(checkpoint));
        assertThat(params.greedy()).isEqualTo(greedy);
        assertThat(params.temperature()).isEqualTo(temperature);
    }

    @Test
    void resolve_rowBeatsCommandLineBeatsCheckpoint_fieldByField() throws Exception {
        var row = of("{\"top_k\":1,\"seed\":11,\"max_tokens\":12,\"stop\":\"r\"}");
        var commandLine = of(
                "{\"top_k\":2,\"top_p\":0.2,\"seed\":21,\"max_new_tokens\":22,\"min_new_tokens\":3,\"stop\":[\"c\"],"
                        + "\"eos_token_id\":24,\"ignore_eos\":true}");
        var checkpoint = of("{\"greedy\":false,\"top_k\":3,\"top_p\":0.3,\"min_p\":0.3,\"repetition_penalty\":1.3,"
                + "\"eos_token_id\":[34,35],\"temperature\":0.3}");
        assertThat(SamplingOverrides.resolve(row, commandLine, checkpoint)).isEqualTo(new SamplingParams(false, 0.3, 1,
                0.2, 0.3, 1.3, 11, 12, 3, true, List.of(24), List.of("r")));
        assertThat(SamplingOverrides.resolve(NONE, commandLine, checkpoint)).isEqualTo(new SamplingParams(false, 0.3, 2,
                0.2, 0.3, 1.3, 21, 22, 3, true, List.of(24), List.of("c")));
        assertThat(SamplingOverrides.resolve(NONE, NONE, checkpoint)).isEqualTo(new SamplingParams(false, 0.3, 3, 0.3,
                0.3, 1.3, 0, 100, 0, false, List.of(34, 35), List.of()));
    }

    @Test
    void resolve_rowWithEmptyLists_takesBackWhatTheCommandLineGave() throws Exception {
        var params = SamplingOverrides.resolve(of("{\"stop\":[],\"eos_token_ids\":[]}"),
                of("{\"stop\":\"x\",\"eos_token_id\":1}"), NONE);
        assertThat(params.stop()).isEmpty();
        assertThat(params.eosTokenIds()).isEmpty();
    }

    @Test
    void resolve_valuesThatDoNotGoTogether_areNamed() throws Exception {
        var row = of("{\"max_tokens\":5}");
        var commandLine = of("{\"min_new_tokens\":10}");
        assertThatThrownBy(() -> SamplingOverrides.resolve(row, commandLine, NONE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("min-new-tokens must be from 0 to max-new-tokens, not 10");
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
                 , 0.7, true
            true , 0.7, false
            true ,    , false
            true , 0  , true
            false, 0.7, true
            false, 0  , true
            """)
    void ofCheckpoint_doSampleAndTemperature_decideAsInTransformers(Boolean doSample, Double temperature,
            boolean greedy) {
        var defaults = new GenerationDefaults(doSample, temperature, null, null, null, null, null, List.of());
        assertThat(SamplingOverrides.resolve(NONE, NONE, SamplingOverrides.ofCheckpoint(defaults)).greedy())
                .isEqualTo(greedy);
    }

    @Test
    void ofCheckpoint_lengths_areLeftToTheJob() {
        var defaults = new GenerationDefaults(true, 0.8, 7, 0.9, 0.1, 1.1, 20, List.of(1, 2));
        assertThat(SamplingOverrides.resolve(NONE, NONE, SamplingOverrides.ofCheckpoint(defaults))).isEqualTo(
                new SamplingParams(false, 0.8, 7, 0.9, 0.1, 1.1, 0, 100, 0, false, List.of(1, 2), List.of()));
    }

    @Test
    void ofCheckpoint_outOfRange_namesFileAndField() {
        var defaults = new GenerationDefaults(true, null, null, 0.0, null, null, null, List.of());
        assertThatThrownBy(() -> SamplingOverrides.ofCheckpoint(defaults)).isInstanceOf(UsageException.class)
                .hasMessage("generation_config.json: top_p must be above 0 and at most 1, not 0.0");
    }

    @Test
    void json_betweenRanks_comesBackEqual() throws Exception {
        var prompt = new Prompt(3, "x", "text", of("{\"temperature\":0.5,\"stop\":\"r\",\"seed\":9007199254740993}"),
                null);
        var json = Json.MAPPER.writeValueAsString(prompt);
        assertThat(Json.MAPPER.readValue(json, Prompt.class)).isEqualTo(prompt);
        assertThat(Json.MAPPER.readValue(Json.MAPPER.writeValueAsString(NONE), SamplingOverrides.class))
                .isEqualTo(NONE);
    }

    private static SamplingOverrides of(String json) throws Exception {
        return SamplingOverrides.ofRow(Json.MAPPER.readTree(json));
    }
}
