package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Path;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Request;
import dev.lockstep.json.Json;
import dev.lockstep.model.DType;
import dev.lockstep.prompts.SamplingFields;
import dev.lockstep.prompts.SamplingOverrides;
import dev.lockstep.torch.Device;

/** A model of random weights with a tokenizer, and rows for it that say what their texts are to be like. */
final class GuidedRows {
    private GuidedRows() {}

    static Generator generator(Path scratch) {
        return generator(scratch, Device.CPU);
    }

    static Generator generator(Path scratch, Device device) {
        return Generator.load(Checkpoint.open(Golden.copyWithTokenizer("llama-gqa", scratch)), device, DType.FLOAT32);
    }

    /** @param fields of a row, without braces */
    static Request request(Generator generator, int index, String fields) throws IOException {
        return new Request(index, 0, generator.tokenizer().encode("And God said " + index, false),
                SamplingOverrides.resolve(SamplingFields.ofRow(Json.MAPPER.readTree("{" + fields + "}")),
                        SamplingOverrides.NONE, SamplingOverrides.NONE));
    }
}
