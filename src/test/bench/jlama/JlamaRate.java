import java.io.File;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Scanner;
import java.util.UUID;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.model.functions.Generator.Response;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.prompt.PromptContext;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;

/**
 * As LockstepRate, with Jlama: MODEL NEW_TOKENS THREADS TYPE. TYPE is what Jlama keeps activations in (F32 for float32
 * throughout; I8 is its default). It has no batches, so prompts take turns: in threads of their own, on one model, they
 * get into each other's texts.
 */
public class JlamaRate {
    private static final UUID SESSION = UUID.randomUUID();

    public static void main(String[] args) throws Exception {
        int newTokens = Integer.parseInt(args[1]);
        boolean plain = args[3].equals("F32");
        AbstractModel model = ModelSupport.loadModel(new File(args[0]), null, DType.F32, DType.valueOf(args[3]), plain ? Optional.of(DType.F32) : Optional.empty(),
                Optional.of(Integer.parseInt(args[2])));
        // One session for all prompts, begun anew each time: it maps memory for every new one and gives none back.
        Field field = AbstractModel.class.getDeclaredField("kvBufferCache");
        field.setAccessible(true);
        KvBuffer cache = ((KvBufferCache) field.get(model)).getKvBuffer(SESSION);
        for (Scanner in = new Scanner(System.in); in.hasNextLine();) {
            // Its tokenizer looks blanks up as they are and finds them in no vocabulary of bytes, which has this letter.
            String[] prompts = in.nextLine().replace(' ', '\u0120').split("\t");
            long start = System.nanoTime();
            List<Response> done = new ArrayList<>();
            for (String prompt : prompts) {
                done.add(generate(model, cache, prompt, newTokens));
            }
            long nanos = System.nanoTime() - start;
            System.out.println(done.stream().mapToInt(row -> 1 + row.generatedTokens).sum() + "\t" + nanos + "\t"
                    + String.join("\t", done.stream().map(row -> row.responseText.replace('\u0120', ' ')).toList()));
        }
    }

    private static Response generate(AbstractModel model, KvBuffer cache, String prompt, int newTokens) {
        cache.setCurrentContextPosition(0);
        PromptContext context = PromptContext.of(prompt);
        // its limit counts the prompt's tokens too, but not the first new one
        int limit = model.encodePrompt(context).length + newTokens - 1;
        return model.generate(SESSION, context, 0, limit, (token, seconds) -> {
        });
    }
}
