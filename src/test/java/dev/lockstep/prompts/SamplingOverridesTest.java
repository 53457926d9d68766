package dev.lockstep.prompts;

import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.checkpoint.GenerationDefaults;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;

import static dev.lockstep.prompts.SamplingOverrides.NONE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SamplingOverridesTest {
    @Test
    void resolve_nothingSaid_isGreedyWithBuiltInDefaults() {
        assertThat(SamplingOverrides.resolve(NONE, NONE, NONE)).isEqualTo(
                SamplingParams.builder(100).greedy(true).build());
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
        assertThat(SamplingOverrides.resolve(row, commandLine, checkpoint)).isEqualTo(
                SamplingParams.builder(12).temperature(0.3).topK(1).topP(0.2).minP(0.3).repetitionPenalty(1.3).seed(11)
                        .minNewTokens(3).ignoreEos(true).eosTokenIds(List.of(24)).stop(List.of("r")).build());
        assertThat(SamplingOverrides.resolve(NONE, commandLine, checkpoint)).isEqualTo(
                SamplingParams.builder(22).temperature(0.3).topK(2).topP(0.2).minP(0.3).repetitionPenalty(1.3).seed(21)
                        .minNewTokens(3).ignoreEos(true).eosTokenIds(List.of(24)).stop(List.of("c")).build());
        assertThat(SamplingOverrides.resolve(NONE, NONE, checkpoint))
                .isEqualTo(SamplingParams.builder(100).temperature(0.3).topK(3).topP(0.3).minP(0.3)
                        .repetitionPenalty(1.3).eosTokenIds(List.of(34, 35)).build());
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
        var fields = Json.MAPPER.createObjectNode().put("do_sample", doSample).put("temperature", temperature);
        assertThat(SamplingOverrides.resolve(NONE, NONE, SamplingFields.ofCheckpoint(defaults(fields))).greedy())
                .isEqualTo(greedy);
    }

    @Test
    void ofCheckpoint_lengths_bindWhereTheJobSaysNothing() throws Exception {
        var checkpoint = SamplingFields.ofCheckpoint(defaults(Json.MAPPER.readTree("""
                {"do_sample":true,"temperature":0.8,"top_k":7,"top_p":0.9,"min_p":0.1,"repetition_penalty":1.1,
                 "max_new_tokens":20,"max_length":9,"min_new_tokens":30}""")));
        assertThat(SamplingOverrides.resolve(NONE, NONE, checkpoint)).isEqualTo(
                SamplingParams.builder(20).temperature(0.8).topK(7).topP(0.9).minP(0.1).repetitionPenalty(1.1)
                        .minNewTokens(20).eosTokenIds(List.of(1, 2)).build());
        assertThat(SamplingOverrides.resolve(NONE, of("{\"max_tokens\":40}"), checkpoint)).isEqualTo(
                SamplingParams.builder(40).temperature(0.8).topK(7).topP(0.9).minP(0.1).repetitionPenalty(1.1)
                        .minNewTokens(30).eosTokenIds(List.of(1, 2)).build());
        var total = SamplingOverrides.resolve(of("{\"max_length\":300,\"min_length\":7}"),
                of("{\"max_tokens\":40,\"min_tokens\":5}"), checkpoint);
        assertThat(total.rules().maxLength()).isEqualTo(300);
        assertThat(total.maxNewTokens()).isEqualTo(300);
        assertThat(total.rules().minLength()).isEqualTo(7);
        assertThat(total.minNewTokens()).isZero();
    }

    @Test
    void resolve_stopTokenIds_endRowsBesidesEndTokensAndWithoutThem() throws Exception {
        var checkpoint = SamplingFields.ofCheckpoint(defaults(Json.MAPPER.createObjectNode()));
        var besides = SamplingOverrides.resolve(of("{\"stop_token_ids\":[5]}"), NONE, checkpoint);
        assertThat(besides.eosTokenIds()).containsExactly(1, 2, 5);
        var without = SamplingOverrides.resolve(of("{\"stop_token_ids\":[5],\"ignore_eos\":true}"), NONE, checkpoint);
        assertThat(without.eosTokenIds()).containsExactly(5);
        assertThat(without.ignoreEos()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"typical_p":0}          | typical_p must be above 0 and at most 1, not 0.0
            {"epsilon_cutoff":1}     | epsilon_cutoff must be from 0 to 1, without 1, not 1.0
            {"eta_cutoff":-1}        | eta_cutoff must be from 0 to 1, without 1, not -1.0
            {"repetition_penalty":1e-44} | repetition_penalty must be from 1e-20 to 1e20, not 1.0E-44
            {"encoder_repetition_penalty":0} | encoder_repetition_penalty must be from 1e-20 to 1e20, not 0.0
            {"no_repeat_ngram_size":-1} | no_repeat_ngram_size must be 0 or more, not -1
            {"max_length":0}         | max_length must be 1 or more, not 0
            {"bad_words_ids":[5]}    | bad_words_ids must be a list of lists of token ids, not 5
            {"bad_words_ids":[[]]}   | bad_words_ids must be a list of lists of token ids, not []
            {"sequence_bias":[[[1],"x"]]} | sequence_bias must be a list of pairs of token ids and a bias, not "x"
            {"logit_bias":{"a":1}}   | logit_bias must be an object with token ids as names and biases from -100 to 100 as values, not {"a":1}
            {"logit_bias":{"1":101}} | logit_bias must be an object with token ids as names and biases from -100 to 100 as values, not {"1":101}
            {"logit_bias":{"1":"x"}} | logit_bias must be an object with token ids as names and biases from -100 to 100 as values, not {"1":"x"}
            {"logit_bias":{"10":1,"11":1,"12":1,"13":1,"14":1,"15":1,"16":-101}} | logit_bias must be an object with token ids as names and biases from -100 to 100 as values, not {"16":-101}
            {"exponential_decay_length_penalty":[1]} | exponential_decay_length_penalty must be a number of tokens and a factor above 0, not [1]
            {"max_tokens":1,"max_completion_tokens":1} | max_tokens and max_completion_tokens mean the same, so give one of them
            {"do_sample":true,"greedy":true} | do_sample and greedy contradict each other, so give one of them
            """)
    void ofRow_valuesThatCannotBe_areNamed(String row, String sentence) {
        assertThatThrownBy(() -> of(row)).isInstanceOf(IllegalArgumentException.class).hasMessage(sentence);
    }

    @Test
    void ofCheckpoint_outOfRange_namesFileAndField() {
        var defaults = defaults(Json.MAPPER.createObjectNode().put("top_p", 0.0));
        assertThatThrownBy(() -> SamplingFields.ofCheckpoint(defaults)).isInstanceOf(UsageException.class)
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

    private static GenerationDefaults defaults(JsonNode fields) {
        return new GenerationDefaults(Path.of("generation_config.json"), (ObjectNode) fields, List.of(1, 2));
    }

    private static SamplingOverrides of(String json) throws Exception {
        return SamplingFields.ofRow(Json.MAPPER.readTree(json));
    }
}
