package dev.lockstep.json;

import java.io.IOException;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.JsonParserDelegate;
import org.jspecify.annotations.Nullable;

/**
 * Reads the values of a JSON array and refuses one that goes beyond what {@link Json#MAPPER} takes of a line, but can go
 * on behind it, which Jackson's parser cannot when it comes upon a limit of its own.
 */
public final class JsonArrayReader extends JsonParserDelegate {
    private static final int DEEPEST = 1000;
    private static final int LONGEST_NUMBER = 1000;
    private static final int LONGEST_NAME = 50_000;

    /** Why a value is refused; what follows it can be read. */
    public static final class RefusedException extends IOException {
        private static final long serialVersionUID = 1;

        RefusedException(String why) {
            super(why);
        }
    }

    /**
     * @param parser without limits
     */
    JsonArrayReader(JsonParser parser) {
        super(parser);
    }

    @Override
    public @Nullable JsonToken nextToken() throws IOException {
        JsonToken token = super.nextToken();
        if (token == null) {
            return null;
        }
        if (depth() > DEEPEST) {
            throw refused("it is nested more than 1,000 deep");
        }
        if (token.isNumeric() && getTextLength() > LONGEST_NUMBER) {
            throw refused("it has a number of more than 1,000 digits");
        }
        if (token == JsonToken.FIELD_NAME && currentName().length() > LONGEST_NAME) {
            throw refused("it has a name of more than 50,000 characters");
        }
        return token;
    }

    private int depth() {
        return getParsingContext().getNestingDepth();
    }

    private RefusedException refused(String why) throws IOException {
        while (depth() > 1 && super.nextToken() != null) {
            // on to the end of the value
        }
        return new RefusedException(why);
    }
}
