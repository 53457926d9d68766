package dev.lockstep.grammar;

import java.math.BigDecimal;
import java.util.Random;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.grammar.Grammar.Kind;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Texts of schemas, held to what a validator says. */
class JsonSchemaTest {
    private static final int WALKS = 60;
    private static final ObjectMapper STRICT = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final SchemaRegistry VALIDATORS = SchemaRegistry
            .withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    private static TextAutomaton automaton(String schema) {
        return new Grammar(Kind.JSON_SCHEMA, schema).automaton();
    }

    private static boolean isValid(Schema validator, JsonNode value) {
        return validator.validate(value, context -> context.executionConfig(
                config -> config.formatAssertionsEnabled(true))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"type\":\"object\"}", "true", "{}", "{\"type\":\"array\"}",
            "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":20},"
                    + "\"age\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":130},"
                    + "\"tags\":{\"type\":\"array\",\"items\":{\"enum\":[\"a\",\"b\",3,null,{\"c\":[1]}]},"
                    + "\"minItems\":1,\"maxItems\":3},"
                    + "\"married\":{\"type\":[\"boolean\",\"null\"]},\"né \\\"quoted\\\"\":{\"const\":\"ü\\n\"}},"
                    + "\"required\":[\"age\",\"married\"],\"additionalProperties\":false}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"},\"b\":{\"type\":\"number\"},"
                    + "\"c\":{\"$ref\":\"#/$defs/point\"}},\"$defs\":{\"point\":{\"type\":\"object\",\"properties\":"
                    + "{\"x\":{\"type\":\"integer\"},\"y\":{\"type\":\"integer\"}},\"required\":[\"x\",\"y\"]}}}",
            "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}",
            "{\"type\":\"string\",\"pattern\":\"^[A-Z]{2}-\\\\d+$\"}", "{\"type\":\"string\",\"pattern\":\"b+\"}",
            "{\"type\":\"string\",\"pattern\":\"[aeiou]\",\"maxLength\":6,\"minLength\":2}",
            "{\"type\":\"string\",\"format\":\"date\"}", "{\"type\":\"string\",\"format\":\"date-time\"}",
            "{\"type\":\"string\",\"format\":\"time\"}", "{\"type\":\"string\",\"format\":\"uuid\"}",
            "{\"type\":\"integer\",\"exclusiveMinimum\":-37,\"maximum\":1204.5}",
            "{\"type\":\"integer\",\"minimum\":95}",
            "{\"anyOf\":[{\"type\":\"string\",\"maxLength\":3},{\"type\":\"integer\"}]}",
            "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "{\"allOf\":[{\"type\":\"boolean\"}]}",
            "{\"type\":\"array\",\"maxItems\":0}", "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",1,null,true]}",
            "{\"type\":\"integer\",\"const\":7}", "{\"type\":\"object\",\"additionalProperties\":false}",
            "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":4},\"children\":{\"type\":\"array\","
                    + "\"items\":{\"$ref\":\"#\"}}},\"required\":[\"name\",\"children\"]}",
            "{\"$ref\":\"#/$defs/e\",\"$defs\":{\"e\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"object\",\"properties\":"
                    + "{\"op\":{\"enum\":[\"+\",\"*\"]},\"left\":{\"$ref\":\"#/$defs/e\"},\"right\":{\"$ref\":\"#/$defs/e\"}},"
                    + "\"required\":[\"op\",\"left\",\"right\"],\"additionalProperties\":false}]}}}",
            "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"object\",\"properties\":{\"b\":{\"$ref\":\"#/$defs/b\"}}},"
                    + "\"b\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/a\"},\"minItems\":1}}}",
            "{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#\"}}",
            "{\"type\":\"number\",\"minimum\":0,\"maximum\":1}",
            "{\"type\":\"number\",\"exclusiveMinimum\":-2.75,\"maximum\":-0.125}",
            "{\"type\":\"number\",\"minimum\":-0.5,\"exclusiveMaximum\":12.25}",
            "{\"type\":\"number\",\"exclusiveMinimum\":99.99}",
            "{\"type\":\"number\",\"maximum\":-1e3}", "{\"type\":[\"number\",\"null\"],\"exclusiveMinimum\":0}",
            "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\",\"maxLength\":5},{\"type\":\"integer\"},{\"const\":1}],"
                    + "\"minItems\":3,\"maxItems\":3}",
            "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"kind\":{\"const\":\"a\"},\"x\":{\"type\":\"integer\"}},"
                    + "\"required\":[\"kind\"]},{\"$ref\":\"#/$defs/b\"},{\"type\":\"string\",\"pattern\":\"^a+$\"},"
                    + "{\"type\":\"string\",\"pattern\":\"^b+$\"},{\"type\":\"integer\",\"maximum\":3},{\"type\":\"number\","
                    + "\"exclusiveMinimum\":3}],\"$defs\":{\"b\":{\"type\":\"object\",\"properties\":{\"kind\":{\"enum\":[\"b\",\"c\"]}},"
                    + "\"required\":[\"kind\"]}}}",
            "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"a\":true},\"required\":[\"a\"],\"additionalProperties\":false},"
                    + "{\"type\":\"object\",\"properties\":{\"b\":true},\"required\":[\"b\"],\"additionalProperties\":false}]}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":false},\"required\":[\"a\"]}",
            "{\"type\":\"array\",\"items\":false}",
            "{\"properties\":{\"deep\":{\"items\":{\"properties\":{\"er\":{\"enum\":[1.5,1e3]}},\"required\":[\"er\"]}}}}"})
    void walkedTexts_ofASchema_parseAndAreValid(String schema) throws Exception {
        TextAutomaton automaton = automaton(schema);
        Schema validator = VALIDATORS.getSchema(schema);
        Random random = new Random(7);
        for (int i = 0; i < WALKS; i++) {
            String text = Walk.of(automaton, random, 10 + i * 4);
            JsonNode value = STRICT.readTree(text);
            assertThat(isValid(validator, value)).as(text).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', quoteCharacter = '`', value = {
            "{\"type\":\"object\"} ~ {\"a\": {\"b\": [1, 2.5e-3, {}]}, \"c\":\"é \\\\ \\u00e9 \\n\"}",
            "{\"type\":\"object\"} ~ `{\n  \"a\": [\n    true,\n    null\n  ]\n}`",
            "{\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"integer\"}}} ~ {\"b\": -3}",
            "{\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"integer\"}}} ~ {}",
            "{\"type\":\"integer\",\"minimum\":-1000,\"maximum\":7} ~ -999",
            "{\"type\":\"integer\",\"minimum\":8,\"maximum\":20304} ~ 20299", "{\"type\":\"number\"} ~ -0.5E+10"})
    void text_thatPeopleWrite_fits(String schema, String text) throws Exception {
        assertThat(RegexTest.fits(automaton(schema), text)).isTrue();
        assertThat(isValid(VALIDATORS.getSchema(schema), STRICT.readTree(text))).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', quoteCharacter = '`', value = {"{\"type\":\"object\"} ~ [1]",
            "{\"type\":\"object\"} ~ {\"a\": 01}", "{\"type\":\"object\"} ~ {\"a\": 1,}",
            "{\"type\":\"object\"} ~ {a: 1}",
            "{\"type\":\"string\"} ~ \"\\ud800\"", "{\"type\":\"string\"} ~ `\"\n\"`",
            "{\"type\":\"integer\",\"minimum\":8,\"maximum\":20304} ~ 20305",
            "{\"type\":\"integer\",\"minimum\":8,\"maximum\":20304} ~ 7",
            "{\"type\":\"integer\",\"exclusiveMinimum\":8} ~ 8",
            "{\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"]} ~ {}"})
    void text_thatIsNone_doesNotFit(String schema, String text) {
        assertThat(RegexTest.fits(automaton(schema), text)).isFalse();
    }

    @Test
    void numbers_ofRandomBounds_areThoseBetween() {
        Random random = new Random(5);
        for (int i = 0; i < 40; i++) {
            BigDecimal low = BigDecimal.valueOf(random.nextInt(4000) - 2000L, random.nextInt(4));
            BigDecimal high = low.add(BigDecimal.valueOf(random.nextInt(3000), random.nextInt(4)));
            boolean open = random.nextBoolean() && low.compareTo(high) < 0;
            TextAutomaton automaton = automaton("{\"type\":\"number\",\"minimum\":" + low.toPlainString() + ",\""
                    + (open ? "exclusiveMaximum" : "maximum") + "\":" + high.toPlainString() + "}");
            for (int j = 0; j < 400; j++) {
                BigDecimal value = j % 10 == 0
                        ? (j % 20 == 0 ? low : high)
                        : low.add(BigDecimal.valueOf(random.nextInt(6000) - 1500L, random.nextInt(5)));
                int order = value.compareTo(high);
                assertThat(RegexTest.fits(automaton, value.toPlainString()))
                        .as("%s in %s to %s, open %s", value, low, high, open)
                        .isEqualTo(value.compareTo(low) >= 0 && (open ? order < 0 : order <= 0));
            }
        }
    }

    @Test
    void integers_ofRandomBounds_areThoseBetween() {
        Random random = new Random(3);
        for (int i = 0; i < 60; i++) {
            int low = random.nextInt(400) - 200;
            int high = low + random.nextInt(300);
            TextAutomaton automaton = automaton(
                    "{\"type\":\"integer\",\"minimum\":" + low + ",\"maximum\":" + high + "}");
            for (int value = -700; value < 700; value++) {
                assertThat(RegexTest.fits(automaton, Integer.toString(value))).as("%d in %d to %d", value, low, high)
                        .isEqualTo(value >= low && value <= high);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', quoteCharacter = '`', value = {"{\"type\":\"array\",\"uniqueItems\":true} ~ "
            + "has the keyword \"uniqueItems\", which is not supported there",
            "{\"properties\":{\"a\":{\"type\":\"number\",\"multipleOf\":2}}} ~ at /properties/a has the keyword"
                    + " \"multipleOf\", which is not supported there",
            "{\"type\":\"number\",\"minimum\":1,\"exclusiveMaximum\":1} ~ accepts no number",
            "{\"type\":\"number\",\"minimum\":\"a\"} ~ `has minimum \"a\", which is no number`",
            "{\"prefixItems\":[true],\"minItems\":2} ~ has minItems or maxItems for which its prefixItems, which are 1, are"
                    + " too few or too many",
            "{\"type\":\"thing\"} ~ `has the type \"thing\", which is none of [array, boolean, integer, null, number, object, string]`",
            "{\"$ref\":\"#\"} ~ accepts no value, or none that ends",
            "{\"$ref\":\"http://a/b\"} ~ at /$ref leads out of the schema, which is not supported",
            "{\"$ref\":\"#/$defs/none\"} ~ at /$defs/none is not there, not a schema",
            "{\"$defs\":{\"a\":{\"properties\":{\"b\":{\"$ref\":\"#/$defs/a\"}},\"required\":[\"b\"]}},\"$ref\":\"#/$defs/a\"} ~"
                    + " accepts no value, or none that ends",
            "{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"integer\"}]} ~ at /oneOf has schemas 0 and 1 that may accept the"
                    + " same value, which is not supported; anyOf is",
            "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]},{\"type\":\"object\","
                    + "\"properties\":{\"b\":{\"const\":1}}}]} ~ at /oneOf has schemas 0 and 1 that may accept the same value,"
                    + " which is not supported; anyOf is",
            "false ~ accepts no value, or none that ends",
            "{\"allOf\":[true,true]} ~ `at /allOf has other than one schema, which is not supported`",
            "{\"type\":\"string\",\"format\":\"email\"} ~ `has the format \"email\", which is none of [date, date-time, time, uuid]`",
            "{\"type\":\"string\",\"pattern\":\"(?=a)\"} ~ has a pattern that has (?, which begins what is not supported but for"
                    + " (?: and (?P<name> (character 2)",
            "{\"type\":\"string\",\"pattern\":\"^a$\",\"minLength\":2} ~ accepts no string without quotes, backslashes and control"
                    + " characters",
            "{\"type\":\"integer\",\"minimum\":5,\"maximum\":4} ~ accepts no integer",
            "7 ~ `is 7, not a schema`",
            "{\"required\":[\"a\"]} ~ `requires the property \"a\", which it does not describe`",
            "{\"type\":\"string\",\"enum\":[1,null]} ~ lists no value of its type",
            "{\"enum\":[]} ~ at /enum is not a list of something",
            "{\"minimum\":3} ~ has no type",
            "{\"type\":\"array\",\"minItems\":-1} ~ `has minItems -1, which has to be from 0 to 10000`",
            "{\"anyOf\":[true],\"type\":\"string\",\"maxLength\":3} ~ has the keyword \"maxLength\", which is not supported there"})
    void automaton_notSupported_isSaidInOneSentence(String schema, String sentence) {
        assertThatThrownBy(() -> automaton(schema)).isInstanceOf(GrammarException.class).hasMessage(sentence);
    }

    @Test
    void automaton_noJson_isSaid() {
        assertThatThrownBy(() -> automaton("{\"type\":")).isInstanceOf(GrammarException.class)
                .hasMessageStartingWith("is not JSON: ");
    }
}
