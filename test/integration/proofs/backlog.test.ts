import * as backlog from '../../proofs/backlog.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(backlog);
