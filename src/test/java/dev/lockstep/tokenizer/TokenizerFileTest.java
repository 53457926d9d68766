package dev.lockstep.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.ModelException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Parts of a tokenizer.json that end the process when they are used, and their neighbours, which do not. */
class TokenizerFileTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "normalizer|{'type':'Replace','pattern':{'String':''},'content':'x'}|normalizer Replace replaces an empty text",
            "normalizer|{'type':'Replace','pattern':{'Regex':'x*'},'content':'x'}|normalizer Replace replaces an empty text",
            "normalizer|{'type':'Replace','pattern':{'Regex':'^'},'content':'x'}|normalizer Replace replaces an empty text",
            "normalizer|{'type':'Replace','pattern':{'Regex':'(?=k)'},'content':'x'}|normalizer Replace replaces an empty"
                    + " text",
            "normalizer|{'type':'Sequence','normalizers':[{'type':'Prepend','prepend':''}]}|normalizer Prepend puts an"
                    + " empty text before each",
            "normalizer|{'type':'Precompiled','precompiled_charsmap':'AAAA'}|normalizer Precompiled has a"
                    + " precompiled_charsmap that is damaged",
            "pre_tokenizer|{'type':'FixedLength','length':0}|pre_tokenizer FixedLength cuts texts into pieces of length 0",
            "post_processor|{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'<no>','type_id':0}}],'pair':[],"
                    + "'special_tokens':{}}|post_processor TemplateProcessing puts in <no>, which is not among its"
                    + " special_tokens",
            "post_processor|{'type':'Sequence','processors':[{'type':'TemplateProcessing','single':[{'Sequence':{'id':'B',"
                    + "'type_id':0}}],'pair':[],'special_tokens':{}}]}|post_processor TemplateProcessing puts a second"
                    + " text into its template for a single one",
            "decoder|{'type':'Strip','content':' ','start':0,'stop':3}|decoder Strip strips 3 characters from the end,"
                    + " which shorter tokens do not have"})
    void load_whatEndsTheProcess_isRefused(String part, String value, String sentence) throws IOException {
        Path file = with(part, value);
        assertThatThrownBy(() -> Tokenizer.load(directory)).isInstanceOf(ModelException.class).hasMessage(file
                + ": its " + sentence
                + ", of which the tokenizers library dies or hangs; correct the file or take it from its"
                + " origin.");
    }

    /** Whatever the library's JSON parser refuses within a decoder ends the process. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"{'type':NaN}|: no valid JSON at line 1, column ",
            "{'type':'Strip','content':]|: no valid JSON at line 1, column ",
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                    + "|: it is nested too deep, or has a number that is too long",
            "{'type':'Strip','start':1e999}|: its decoder has a number out of range, of which",
            "{'type':'\\ud800'}|: its decoder has half of a surrogate pair, which is not a character, of which"})
    void load_decoderThatIsNoJson_isRefused(String decoder, String sentence) throws IOException {
        ObjectNode tokenizer = tokenizer();
        tokenizer.put("decoder", "here");
        Path file = Files.writeString(directory.resolve("tokenizer.json"),
                tokenizer.toString().replace("\"decoder\":\"here\"", "\"decoder\":" + decoder.replace('\'', '"')));
        assertThatThrownBy(() -> Tokenizer.load(directory)).isInstanceOf(ModelException.class)
                .hasMessageStartingWith(file.toString()).hasMessageContaining(sentence);
    }

    @Test
    void load_addedTokenOfManyCharacters_isRefused() throws IOException {
        String token = "x".repeat(70_000);
        Path file = with("added_tokens", "[{'id':9,'content':'" + token + "','single_word':false,'lstrip':false,"
                + "'rstrip':false,'normalized':true,'special':false}]");
        assertThatThrownBy(() -> Tokenizer.load(directory)).isInstanceOf(ModelException.class)
                .hasMessageStartingWith(file + ": its added_tokens have one of 70000 characters");
    }

    @Test
    void load_mergeShorterThanThePrefix_isRefused() throws IOException {
        ObjectNode tokenizer = tokenizer();
        ((ObjectNode) tokenizer.get("model")).put("continuing_subword_prefix", "##long");
        write(tokenizer);
        assertThatThrownBy(() -> Tokenizer.load(directory)).isInstanceOf(ModelException.class)
                .hasMessageContaining("/tokenizer.json: its model has a merge of ")
                .hasMessageContaining(", which does not begin with its continuing_subword_prefix, of which");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "normalizer|{'type':'Replace','pattern':{'String':' '},'content':''}",
            "normalizer|{'type':'Replace','pattern':{'Regex':' {2,}'},'content':' '}",
            "normalizer|{'type':'Replace','pattern':{'Regex':'x$'},'content':'y'}",
            "normalizer|{'type':'Sequence','normalizers':[{'type':'Prepend','prepend':'_'},{'type':'NFC'}]}",
            "pre_tokenizer|{'type':'FixedLength','length':3}",
            "pre_tokenizer|{'type':'Split','pattern':{'Regex':''},'behavior':'Isolated','invert':false}",
            "decoder|{'type':'Strip','content':' ','start':1,'stop':0}",
            "post_processor|{'type':'TemplateProcessing','single':[{'Sequence':{'id':'A','type_id':0}}],'pair':"
                    + "[{'SpecialToken':{'id':'<no>','type_id':0}}],'special_tokens':{}}"})
    void load_theirNeighbours_areUsed(String part, String value) throws IOException {
        with(part, value);
        try (Tokenizer tokenizer = Tokenizer.load(directory)) {
            int[] ids = tokenizer.encode("And a  text", true);
            assertThat(ids).isNotEmpty();
            assertThat(tokenizer.decode(ids, true)).isNotEmpty();
        }
    }

    /** What java would take a list for: the library and the bytes of a token go by the number alone. */
    @ParameterizedTest
    @ValueSource(longs = {5000, 2147483646})
    void bytes_ofATokenFarOut_areItsText(long id) throws IOException {
        ObjectNode tokenizer = tokenizer();
        tokenizer.withArray("added_tokens").addObject().put("id", id).put("content", "<x>").put("single_word", false)
                .put("lstrip", false).put("rstrip", false).put("normalized", false).put("special", true);
        write(tokenizer);
        try (Tokenizer loaded = Tokenizer.load(directory)) {
            assertThat(loaded.bytes((int) id)).containsExactly('<', 'x', '>');
            assertThat(loaded.bytes((int) id - 1)).isEmpty();
        }
    }

    private Path with(String part, String value) throws IOException {
        ObjectNode tokenizer = tokenizer();
        tokenizer.set(part, JSON.readTree(value.replace('\'', '"')));
        return write(tokenizer);
    }

    private static ObjectNode tokenizer() {
        return (ObjectNode) Golden.json("tokenizer.json");
    }

    private Path write(ObjectNode tokenizer) throws IOException {
        return Files.writeString(directory.resolve("tokenizer.json"), tokenizer.toString());
    }
}
